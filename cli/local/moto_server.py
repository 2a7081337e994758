"""moto's server for a local AWS, with a clock that can be set.

Binds a free port of the loopback interface, tells it as the first line of its output, and ends when
its standard input does: with the program that started it, however that one ends.

    GET /banto/clock                                   {"now": "2026-11-24T09:00:00+00:00"}
    PUT /banto/clock  {"now": "2026-11-24T09:00:00Z"}  sets the clock, which goes on from there
"""

import functools
import json
import os
import sys
import threading
from datetime import datetime, timezone

import time_machine
from moto.config.responses import ConfigResponse
from moto.core.exceptions import JsonRESTError
from moto.ec2.models.security_groups import SecurityGroupBackend
from moto.iam.models import SERVICE_NAME_CONVERSION, AWSManagedPolicy, IAMBackend, aws_managed_policies_data
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.organizations.models import OrganizationsBackend
from moto.organizations.responses import OrganizationsResponse
from moto.secretsmanager.models import SecretsManagerBackend
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

CLOCK_PATH = "/banto/clock"


def describe_delivery_channel_status(self):
    """moto routes this operation to a function that it lacks. A new channel reports no delivery yet."""
    channels = self.config_backend.describe_delivery_channels(self._get_param("DeliveryChannelNames"))
    return json.dumps({"DeliveryChannelsStatus": [{"name": channel["name"]} for channel in channels]})


ConfigResponse.describe_delivery_channel_status = describe_delivery_channel_status


def list_secret_version_ids(self, secret_id):
    """moto says of every version that it was written just now."""
    secret = self.secrets[secret_id]
    versions = [
        {"VersionId": name, "VersionStages": version["version_stages"], "CreatedDate": version["createdate"]}
        for name, version in secret.versions.items()
    ]
    return json.dumps({"ARN": secret.arn, "Name": secret.name, "Versions": versions})


SecretsManagerBackend.list_secret_version_ids = list_secret_version_ids


def describe_effective_policy(self):
    """moto lacks this operation. No account has a policy of any kind."""
    raise JsonRESTError("EffectivePolicyNotFoundException", "no policy of this type is in effect")


OrganizationsResponse.describe_effective_policy = describe_effective_policy

create_group_without_rule = SecurityGroupBackend.create_security_group


def create_security_group(self, *args, is_default=None, **kwargs):
    """moto's default groups lack the rule that lets their members reach each other."""
    group = create_group_without_rule(self, *args, is_default=is_default, **kwargs)
    if is_default:
        itself = [{"GroupId": group.id}]
        self.authorize_security_group_ingress(group.id, "-1", None, None, [], source_groups=itself, vpc_id=group.vpc_id)
    return group


SecurityGroupBackend.create_security_group = create_security_group


# moto names the role of AWS Config AWSServiceRoleForconfig.
SERVICE_NAME_CONVERSION["config"] = "Config"


plain_create_organization = OrganizationsBackend.create_organization


def create_organization(self, region, **kwargs):
    """moto names every management account "master"."""
    organization = plain_create_organization(self, region, **kwargs)
    self.accounts[0].name = "management"
    return organization


OrganizationsBackend.create_organization = create_organization


@functools.cache
def managed_policies_data():
    return json.loads(aws_managed_policies_data)


def init_aws_policies(self):
    """moto parses all of AWS's own policies for every account, once for each of AWS's partitions."""
    if self.region_name != "aws":
        return []
    data = managed_policies_data().items()
    return [AWSManagedPolicy.from_data(name, self.account_id, self.region_name, policy) for name, policy in data]


IAMBackend._init_aws_policies = init_aws_policies

# moto lists its own folder for every request, to find out which service it is for.
DomainDispatcherApplication.get_backend_for_host = functools.cache(DomainDispatcherApplication.get_backend_for_host)


class Handler(MotoRequestHandler):
    # An answer is written in pieces; without this each waits 40 ms for the one before to be acknowledged.
    disable_nagle_algorithm = True


class Application:
    """moto's application, and the clock beside it."""

    def __init__(self, clock):
        self.clock = clock
        self.moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] == CLOCK_PATH:
            return self.set_clock(Request(environ))(environ, start_response)
        return self.moto(environ, start_response)

    def set_clock(self, request):
        if request.method == "PUT":
            self.clock.move_to(datetime.fromisoformat(request.get_json()["now"].replace("Z", "+00:00")))
        now = datetime.now(timezone.utc).isoformat()
        return Response(json.dumps({"now": now}), content_type="application/json")


def end_with_parent():
    sys.stdin.buffer.read()
    os._exit(0)


def main():
    threading.Thread(target=end_with_parent, daemon=True).start()
    with time_machine.travel(datetime.now(timezone.utc), tick=True) as clock:
        server = make_server("127.0.0.1", 0, Application(clock), threaded=True, request_handler=Handler)
        print(json.dumps({"port": server.server_port}), flush=True)
        server.serve_forever()


main()
