"""Says what botocore reads in profile files: a case a line, as JSON, and an answer for each."""

import json
import os
import sys
import tempfile

folder = tempfile.mkdtemp(prefix="banto-")
# No process that a case names is found.
config, credentials = os.path.join(folder, "config"), os.path.join(folder, "credentials")
os.environ.update(AWS_CONFIG_FILE=config, AWS_SHARED_CREDENTIALS_FILE=credentials, HOME=folder, PATH=folder)

import botocore.configloader
import botocore.credentials
import botocore.exceptions
import botocore.session


def write(path, text):
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)


def sections(text):
    write(config, text)
    try:
        botocore.configloader.raw_config_parse(config)
        return botocore.configloader.raw_config_parse(config, parse_subsections=False)
    except botocore.exceptions.ConfigParseError:
        return None


def keys(session):
    """The access key that a profile holds itself, or the name of whoever else is asked."""
    for provider in botocore.credentials.create_credential_resolver(session).providers:
        if provider.METHOD in ("ec2-credentials-file", "boto-config", "container-role", "iam-role"):
            continue
        try:
            found = provider.load()
        except botocore.exceptions.PartialCredentialsError:
            return {"partial": provider.METHOD}
        # Whatever is asked is not there, and botocore itself breaks over some of the odd values.
        except Exception:
            return {"asked": provider.METHOD}
        if found is None:
            continue
        if provider.METHOD in ("shared-credentials-file", "config-file"):
            if isinstance(found.access_key, dict) or isinstance(found.secret_key, dict) or isinstance(found.token, dict):
                return {"nested": provider.METHOD}
            return {"id": found.access_key, "secret": found.secret_key, "token": found.token}
        return {"asked": provider.METHOD}
    return None


def both(texts):
    write(config, texts[0])
    write(credentials, texts[1])
    answer = {}
    for profile, entries in botocore.session.Session().full_config["profiles"].items():
        flat = {key: value for key, value in entries.items() if isinstance(value, str)}
        answer[profile] = {"entries": flat, "keys": keys(botocore.session.Session(profile=profile))}
    return answer


for line in sys.stdin:
    case = json.loads(line)
    answer = sections(case["text"]) if "text" in case else both(case["texts"])
    print(json.dumps(answer), flush=True)

for path in (config, credentials):
    if os.path.exists(path):
        os.remove(path)
os.rmdir(folder)
