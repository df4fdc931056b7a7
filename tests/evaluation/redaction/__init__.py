"""How much of what is planted does redaction hide, and how much does it hide that is none?"""
