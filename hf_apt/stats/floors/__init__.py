"""How right one is without knowing any context: closed forms of how often tokens were asked."""
