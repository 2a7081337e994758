// The least that Lambda's runtime for Node does: asks for an event, has it handled, posts the answer.
// Appended to a module that defines `handler`.
const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/`;
const invocation = await fetch(api + "next");
const request = invocation.headers.get("lambda-runtime-aws-request-id");
const answer = await handler(await invocation.json());
await fetch(api + request + "/response", { method: "POST", body: JSON.stringify(answer) });
// The process is measured from outside, and then ended; it waits longer than that ever takes.
setTimeout(() => {}, 600_000);
