// An account that was asked for: looks it up, and queues its convergence and the dashboard's data.
// Lacks everything that onboard-accounts does besides: no policy, other events, pace, log or metrics. The
// function's queue is in the environment, where the function has it in its policy.
import { DescribeAccountCommand, OrganizationsClient } from "@aws-sdk/client-organizations";
import { SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";

const organizations = new OrganizationsClient({});
// The queue's URL would otherwise take the place of the endpoint.
const sqs = new SQSClient({ useQueueUrlAsEndpoint: false });

async function handler(event) {
  const describe = (id) => organizations.send(new DescribeAccountCommand({ AccountId: id }));
  const accounts = await Promise.all(event.accounts.map(describe));
  const entries = accounts.map(({ Account }, index) => {
    const body = { do: "converge", account: Account.Id, name: Account.Name };
    return { Id: String(index), MessageBody: JSON.stringify(body) };
  });
  entries.push({ Id: "publish", MessageBody: JSON.stringify({ do: "publish" }), DelaySeconds: 120 });
  await sqs.send(new SendMessageBatchCommand({ QueueUrl: process.env.QUEUE_URL, Entries: entries }));
  return { queued: accounts.length, gone: [] };
}

