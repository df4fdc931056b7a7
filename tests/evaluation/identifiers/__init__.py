"""How much of what identifies people, machines and networks does redaction replace, and is one value one pseudonym?"""
