"""The sample author, who is fictional: her texts, the archives and the loopback site made from them."""
