"""Fresh, labelled runs of agent frameworks."""
