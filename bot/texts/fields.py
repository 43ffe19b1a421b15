"""The titles of the forms, and the label and hint of each of their fields."""

CREATE_DOMAIN = "Create a domain"
CREATE_SUBDOMAINS = "Create sub-domains"
CREATE_MAILBOX = "Create a mailbox"
CREATE_BULK = "Create mailboxes"

NEW_DOMAIN = ("Domain", "Such as example.com. You need to be able to change its DNS.")
PARENT = ("Parent domain", "Type to find it.")
LABELS = ("Labels", "1 to 10, with spaces between them, such as team support billing.")
DOMAIN = ("Domain", "Type to find it.")
LOCAL_PART = ("Before the @", "Such as john for john@example.com.")
DISPLAY_NAME = ("Name", "Shown to those who get its mail.")
QUOTA = ("Quota", "Such as 1024, 1024MB or 1GB.")
PREFIX = ("Prefix", "team makes team1, team2 and so on.")
COUNT = ("How many", "1 to 1,000.")
QUOTA_OF_EACH = ("Quota of each", "Such as 512, 512MB or 1GB.")
