// An event that later news has overtaken: reads what the table knows of the finding and of its account.
// Lacks everything that notify-compliance does besides: no policy, plan, check, log or metrics, and no hash
// in a finding's key. The table is in the environment, where the function has it in its policy.
import { BatchGetItemCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";

const dynamodb = new DynamoDBClient({});
const table = process.env.TABLE;

async function read(pk, sk, consistent) {
  const keys = { Keys: [{ pk: { S: pk }, sk: { S: sk } }], ConsistentRead: consistent };
  const answer = await dynamodb.send(new BatchGetItemCommand({ RequestItems: { [table]: keys } }));
  return answer.Responses[table];
}

async function handler(event) {
  const failures = [];
  for (const record of event.Records) {
    const { detail } = JSON.parse(record.body);
    const account = `account#${detail.awsAccountId}`;
    await read(account, `finding#${detail.configRuleName}#${detail.resourceId}`, true);
    if ((await read(account, "account", false)).length === 0) failures.push({ itemIdentifier: record.messageId });
  }
  return { batchItemFailures: failures };
}

