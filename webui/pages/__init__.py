"""One module a page; each has `register(client)`."""
