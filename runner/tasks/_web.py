"""What the web tasks say alike."""

ENVIRONMENT = (
    "The site is at {site}. No other network can be reached. Python 3 with requests and beautifulsoup4 (no lxml, no "
    "browser); the working folder is empty and may be written to."
)
