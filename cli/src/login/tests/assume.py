"""Says how botocore would assume the role of a profile: with which key, and with which arguments."""

import datetime
import json
import sys

import botocore.session

asked, made = {}, {}


class Sts:
    def assume_role(self, **arguments):
        asked.update(arguments)
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        key = {"AccessKeyId": "ASIAROLE", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": end}
        return {"Credentials": key, "AssumedRoleUser": {"AssumedRoleId": "AROA:alice", "Arn": arguments["RoleArn"]}}


def client(service, **arguments):
    made.update(arguments)
    return Sts()


session = botocore.session.Session(profile=sys.argv[1])
provider = session.get_component("credential_provider").get_provider("assume-role")
provider._client_creator = client
assert provider.load().get_frozen_credentials().access_key == "ASIAROLE"
print(json.dumps({"profiles": session.full_config["profiles"], "with": made["aws_access_key_id"], "asked": asked}))
