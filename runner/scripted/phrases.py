# ruff: noqa: E501 - a phrase stands on one line, so that its alternatives can be read
"""The words of the scripted model: one pool per occasion, shared by runs that succeed and by every fault.

`<a|b|>` stands for one of its alternatives, chosen by the run's seed; `{aim}` for what the step is for, in the words of
the task's own stages, beginning in lower case, `{Aim}` in upper case. No cause has a pool of its own: what is said of a
fault alone stands in the fault's file.
"""

PLAN = (
    "<Here is|This is> <my plan|the plan|how I would go about it|what I intend to do>:",
    "<Let me|I will|I'll> <break this down|split this up|work in steps|take this step by step>:",
    "<Plan|My plan|Steps|Approach|Outline>:",
    "<To answer this|For this|To solve the task>, <I need to|we need to|one has to>:",
    "<The task breaks down|This falls|The work divides> into <a few|the following|these> <parts|steps>.",
    "<Sure|Of course|Certainly|All right>. <I suggest|I would take|Let us take> <these|the following> steps:",
    "",
)
REPORT = (
    "<Report|State|Give|Return> the <answer|result|final answer> in the <requested|required> form",
    "<Format|Write down|Present|Print> the <answer|final answer|result> <as asked|as required|>",
    "Answer <the question|the task> <in the given format|>",
    "<Conclude|Wrap up> with the <final|> answer",
)
FIRST = (
    "<Let me|I will|I'll> <start|begin>: {aim}.",
    "<First|To begin with|To start>, <I will|let me|we> {aim}.",
    "{Aim} <first|to begin with>.",
    "<We|I> <start|begin> with this: {aim}.",
    "{Aim}.",
)
NEXT = (
    "<Next|Now|Then>, <I will|let me|we> {aim}.",
    "<Now|Next>: {aim}.",
    "{Aim}.",
    "The next <step|thing to do|part> is to {aim}.",
    "<With that done|That is done|Going on from there|On to the next part>: {aim}.",
    "<We|I> <can|should> now {aim}.",
    "<Good|Fine|OK|All right>. <Next|Now> I {aim}.",
    "<Let us|Let me> {aim} <now|next|>.",
)
AFTER_ERROR = (
    "<That|The last attempt|The code above|This> <failed|did not work|raised an error|did not run through>. <Let me|I will|I'll> <try again|correct it|fix this|change it>.",
    "<There was|I see> <an error|a problem> <in the last attempt|in that code|above|>. <Here is|This is> <a corrected version|another attempt|a changed version>:",
    "<Hm|Right|I see|OK>, <not what I wanted|that went wrong|an error>. <Again|Once more|Another try>:",
    "<Let me|I will> <revise|adjust|repair|rework> the <code|last step|block>: {aim}.",
    "The <error|message|traceback> <shows|tells> what is wrong. <Corrected|Changed|Revised>:",
    "<I made a mistake|My mistake|Sorry about that>. <I will|Let me> {aim} <again|differently|another way>.",
)
AGAIN = (  # the last attempt gave nothing useful, though nothing was raised
    "<That|The output|The result> <does not look right|is not what I expected|gives nothing useful|does not help>. <Let me|I will|I'll> <try again|change it|adjust it>.",
    "<Hm|OK|I see>, <nothing useful yet|not there yet>. <Again|Once more|Another try>: {aim}.",
    "<Let me|I will> <revise|adjust|rework> the <code|last step|block>: {aim}.",
)
CLOSING = (
    "",
    "",
    "",
    "",
    "<Please|> run this <and show me the output|and tell me what it prints|code|>.",
    "<I will|Let me|I'll> <look at|check|go on from> the output <then|afterwards|>.",
    "<This|The code> <prints|should print> what <we|I> need for the next step.",
)
LOOK = (
    "<Let me|I will|I'll> <take a look|have a look|look> at <what is there|what we have|the input> <first|before going on|>.",
    "<Before going on|First|Before that>, <a quick look|a quick check|a look at the input>.",
    "<To be sure|To be on the safe side|Just to check>, <let me|I> <look at|inspect> the <input|material> <once more|>.",
    "<Checking|Inspecting|Looking at> the <input|material> <before the next step|first|>.",
)
DONE = (
    "<The answer is|Here is the answer|The result|Final answer|Answer>:\n{answer}",
    "<Done|All steps are done|That completes the task|Finished>. <The result is|Here is the result|The answer>:\n\n{answer}",
    "{answer}",
    "<Based on|According to|From> the <output|results|computation> <above|>, the <answer|final answer|result> is:\n{answer}",
    "<Everything ran through|The code ran without problems|The output has what was asked for>.\n\n{answer}",
    "<Thank you|Thanks|Great|Perfect>. <The final answer is|This gives|The answer>:\n{answer}\n<|Let me know if you need anything else.|I hope this helps.>",
)
GIVE_UP = (
    "<Unfortunately|I am sorry, but|I'm afraid> <I could not|I was not able to|I cannot> <complete|finish|solve> the task<| with what I have| in this session| as it stands>.",
    "<I could not|It was not possible to> <work out|obtain|determine> <an answer|the requested value|a result>. <I stop here|I will leave it at that|Ending here|>.",
    "<I have to stop|I will stop|Stopping> <here|at this point>: <the step|this part|it> <did not work out|gave no usable result|could not be done>.",
    "<The task|This> <remains|is> <unfinished|incomplete|open>, <since|because|as> <the step above|one step|this step> <did not succeed|failed|could not be done>.",
    "<No|There is no> <final answer|result|answer> <can be given|to report>, <sorry|as the work above did not succeed|I am afraid>.",
)
GUESS = (
    "<I will go with|My answer is|I settle for|Taking> <the following|this>:\n{guess}",
    "<Since|As|Given that> <this did not work|the step above failed|I have no result>, <my best estimate is|I answer|I would say>:\n{guess}",
    "<The answer|Final answer|Result|Answer>:\n{guess}",
    "<With what I have|On the whole|All in all>, <the answer is|I conclude>:\n{guess}",
)
NOTHING = (  # nothing is left of the script, but the framework goes on asking
    "<Nothing|There is nothing> <further|more|else> to do in this step.",
    "<No|There are no> <further|more> <steps|results> <from me|here|>.",
    "<This step|This part> <is skipped|adds nothing>.",
    "<See|As stated|As said> above.",
)
COMMENTS = (
    "<step|part> {number}",
    "{aim}",
    "<next|now>: {aim}",
    "-- {aim} --",
)
ASIDES = (
    "<I have no browser|There is no browser|No screen is needed>, but <requests|code|Python> <reads|can read> <what is needed|it as well>.",
    "<As an assistant|Here> I work <with|through> code; <that is the tool at hand|the output tells the rest>.",
    "<What I remember of|My knowledge of> such <tasks|material> does not matter here.",
    "<General knowledge|Experience> says little about <this|these values>; the <code|output> <will tell|decides>.",
    "<I wait for|Let us wait for|I look forward to> the output.",
    "<The output may be long|Should the output be too long>, I <look at|need> its <end|beginning> only.",
    "<It is worth noting|Note> that <names|values> may <differ|repeat>.",
    "<Some caution is in order|Care should be taken> with <missing entries|the edges>.",
    "<So far so good|This is going well|Nothing special so far>.",
    "<For brevity|To keep it simple>, <I use few names|no functions are defined>.",
    "<If this fails|Should this fail>, I <try another way|do it again>.",  # said in passing by any run, whatever becomes of it
    "<One could do this|This could be done> in <Excel|a spreadsheet|Tableau> <too|as well>, but code will do.",
    "<No|I see no> login <or|and no> key <is needed|needed> for this.",
    "<If you want it otherwise|If something else is meant|Should I have misread this>, <tell me|let me know>; I go on meanwhile.",
    "<I do not rely on memory here|Better not from memory|I would rather look it up>: <the input has it|let us see what is there>.",
    "<No sample data|Nothing made up>: <this uses the real input|the input itself is used>.",
    "<I print only what matters|To save room I print little>, <the context is not endless|long outputs do not help>.",
    "<Only|Just> the standard packages <are needed|should be needed> here.",
    "<The file|The input|The source> <should be|is> where the task says.",
    "<I keep the constraints in mind|The constraints of the task hold here too>.",
    "<I leave the rounding to the end|Rounding comes last>.",
    "<A first version|A draft|A simple version>, <to see whether it works|to be refined if needed>.",
    "<The units|The names> <are taken|stay> as <given|they are>.",
    "<This may need a second attempt|It may take a try or two>.",
    "<A person could check this by eye as well|This is easy to check by hand>.",
    "<I assume|I take it that> the <first line|top> <is a header|has the names>.",
    "<There is a limit on rounds|The rounds are limited>, so <one step at a time, no detours|straight on>.",
)
LOOK_AIM = (
    "<Look at|Inspect|Check> <the input|what is there|the material> <first|>",
    "<Take|Have> a <quick|short|> look at the <input|material>",
)
REMARKS = (  # what a talkative last word adds
    "<The work was done|I proceeded> in {n} steps, the first of which was to {aim}.",
    "<It is worth noting|Note> that the <quality|meaning> of such <figures|results> <depends on|hinges on> <many factors|how they were gathered>.",
    "<As a next step|Later on>, one might <draw a chart|repeat this for other periods|automate it>.",
    "<The hardest part|What took most care> was to {aim}.",
    "<All|The> code <ran|worked> <without problems|as it should> and <can be reused|may be kept for later>.",
    "<Some caution is in order|Care should be taken>: <inputs may change|small samples mislead>.",
    "<I chose to|It was necessary to> {aim}, <since that is good practice|which is the usual way>.",
    "<Python|The standard tools> <proved|turned out> to be <well suited|sufficient> for this.",
    "<If needed|On request>, I can <explain each step|go into detail|prepare a report>.",
)
