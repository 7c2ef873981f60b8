"""Who may come in: accounts and sessions, the one guard before every page and route, login and single sign-on."""
