"""A city's calls through the router, the database and the pages, without Asterisk: `zhitong simulate`."""
