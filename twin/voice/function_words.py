"""Function words: the small words that say how a person writes and not about what, for the languages we know."""

from __future__ import annotations

CLASSES = {
    "first_person": ["i", "me", "my", "mine", "myself", "we", "us", "our", "ours", "ich", "mich", "mir", "mein", "meine", "wir", "uns", "unser", "je", "me", "mon", "ma", "mes", "nous", "yo", "mi"],
    "second_person": ["you", "your", "yours", "yourself", "du", "dich", "dir", "dein", "deine", "ihr", "euch", "tu", "te", "ton", "ta", "tes", "vous"],
    "third_person": ["he", "him", "his", "she", "her", "hers", "they", "them", "their", "theirs", "it", "its", "er", "sie", "ihn", "ihm", "il", "elle", "ils", "elles"],
    "article": ["a", "an", "the", "der", "die", "das", "ein", "eine", "einen", "dem", "den", "le", "la", "les", "un", "une", "el", "los", "las", "una"],
    "negation": ["no", "not", "never", "none", "nothing", "nobody", "don't", "doesn't", "didn't", "can't", "won't", "isn't", "nicht", "kein", "keine", "nie", "ne", "pas", "jamais"],
    "conjunction": ["and", "but", "or", "so", "because", "although", "though", "while", "if", "then", "und", "aber", "oder", "weil", "obwohl", "wenn", "et", "mais", "ou", "y", "pero"],
    "modal": ["can", "could", "may", "might", "must", "shall", "should", "will", "would", "kann", "könnte", "muss", "soll", "sollte", "wird", "würde"],
    "hedge": ["maybe", "perhaps", "probably", "quite", "rather", "somewhat", "almost", "just", "really", "very", "actually", "vielleicht", "wohl", "eigentlich", "ziemlich", "sehr"],
    "demonstrative": ["this", "that", "these", "those", "there", "here", "dieser", "diese", "dieses", "hier", "dort"],
    "question": ["who", "what", "when", "where", "why", "how", "which", "wer", "was", "wann", "wo", "warum", "wie"],
}  # fmt: skip

_ENGLISH = (
    "the and to of a in that it is was i you for on with not but as this so be have had has are were been at by from or an"
    " if then than they we he she my your our their his her its me us them him who what when where which why how there here"
    " no all any some more most much many few each every other another such only own same too very just also even still"
    " again once now never always often about after before into over under out up down off through between against during"
    " without within because while although though until since can could will would should may might must do does did"
    " done being having one two first last something nothing everything anything someone it's i'm don't didn't isn't"
    " that's there's can't i've you're doesn't wasn't won't"
)
_GERMAN = (
    "der die das und ist nicht ein eine ich es zu den mit von dem im auf für sich auch an als wir er sie sind war wie so"
    " aber noch nur wenn man aus bei nach oder dass mehr schon kann werden hat haben um über vor durch immer doch mal"
)
_FRENCH = (
    "le la les de des du et un une est pas je que qui dans en pour ne sur ce il elle nous vous mais ou avec plus se au"
)
_SPANISH = "el los las que y en de un una es no se por con para lo como más pero su al le ya o este sí porque muy"

# In one list, since a text's language is not always known: a word that an author does not use is not measured at all.
WORDS = tuple(dict.fromkeys(f"{_ENGLISH} {_GERMAN} {_FRENCH} {_SPANISH}".split()))
