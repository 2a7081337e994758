# All are false on the first day, and become true one after the other: docs/DEPLOY.md.
deploy_stack_sets = true
deploy_rules      = true
deploy_policies   = true

# Alarms are mailed here. SNS asks each address to confirm.
alarm_mails = ["sre@example.com"]
