"""One tool per module, named as in the settings. There is no list to edit."""
