# Alarms are mailed here. SNS asks each address to confirm.
alarm_mails = ["sre@example.com"]
