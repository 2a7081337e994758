// A day on which nobody is due: lists the open records, asks IAM for the credential report, and counts its rows.
// Lacks everything that rotate-access-keys makes of the report: no policy, plan, check, log or metrics.
import { GenerateCredentialReportCommand, GetCredentialReportCommand, IAMClient } from "@aws-sdk/client-iam";
import { ListSecretsCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";

const iam = new IAMClient({});
const secrets = new SecretsManagerClient({});
const filters = [{ Key: "name", Values: ["banto/access-keys/"] }, { Key: "tag-key", Values: ["banto:open"] }];

async function handler() {
  await secrets.send(new ListSecretsCommand({ Filters: filters, MaxResults: 100 }));
  while ((await iam.send(new GenerateCredentialReportCommand({}))).State !== "COMPLETE");
  const report = await iam.send(new GetCredentialReportCommand({}));
  return { rows: Buffer.from(report.Content).toString().split("\n").length };
}

