// The provider that every contestant calls: HTTP/1.1 on raw sockets, canned answers, and a truth count of what it would have billed.
// It is as lean as possible, so that the gateways and not the provider are measured.
import { createServer, type Socket } from 'node:net';

const USAGE = { prompt_tokens: 24, completion_tokens: 50, total_tokens: 74 };
/** By the key that a call came with: a call counts for whoever made it, however late it comes. */
const truths = new Map<
  string,
  { requests: number; promptTokens: number; completionTokens: number; abandoned: number }
>();
const truthOf = (head: string) => {
  const key = /authorization: *bearer *(\S+)/i.exec(head)?.[1] ?? '';
  const known = truths.get(key) ?? { requests: 0, promptTokens: 0, completionTokens: 0, abandoned: 0 };
  truths.set(key, known);
  return known;
};
type Truth = ReturnType<typeof truthOf>;

const completion = JSON.stringify({
  id: 'chatcmpl-bench',
  object: 'chat.completion',
  created: 1_700_000_000,
  model: 'bench',
  system_fingerprint: 'fp_bench',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: 'word '.repeat(50).trim() },
      logprobs: null,
      finish_reason: 'stop',
    },
  ],
  usage: USAGE,
});
const COMPLETION = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(completion)}\r\n\r\n${completion}`,
);
const STREAM_HEAD = Buffer.from(
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n',
);

const chunkOf = (choices: unknown[], usage?: typeof USAGE): string =>
  `data: ${JSON.stringify({ id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'bench', system_fingerprint: 'fp_bench', choices, ...(usage ? { usage } : {}) })}\n\n`;
const framed = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

/** The model is `bench-<tokens>-<interval in ms>`; each token carries the microsecond at which it left. */
function stream(socket: Socket, tokens: number, intervalMs: number, truth: Truth, done: () => void): void {
  socket.write(
    Buffer.concat([
      STREAM_HEAD,
      Buffer.from(framed(chunkOf([{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }]))),
    ]),
  );
  let sent = 0;
  const timer = setInterval(() => {
    if (socket.destroyed) {
      truth.abandoned += 1;
      clearInterval(timer);
      return;
    }
    const now = (process.hrtime.bigint() / 1000n).toString();
    let text = framed(chunkOf([{ index: 0, delta: { content: ` @${now}` }, finish_reason: null }]));
    sent += 1;
    if (sent === tokens) {
      clearInterval(timer);
      const usage = { prompt_tokens: 24, completion_tokens: tokens, total_tokens: 24 + tokens };
      text +=
        framed(chunkOf([{ index: 0, delta: {}, finish_reason: 'stop' }])) +
        framed(chunkOf([], usage)) +
        framed('data: [DONE]\n\n') +
        '0\r\n\r\n';
      truth.completionTokens += tokens;
    }
    socket.write(text);
    if (sent === tokens) done();
  }, intervalMs);
}

const server = createServer((socket) => {
  socket.setNoDelay(true);
  let pending = Buffer.alloc(0);
  let busy = false;
  const next = (): void => {
    while (!busy) {
      const headEnd = pending.indexOf('\r\n\r\n');
      if (headEnd < 0) return;
      const head = pending.toString('latin1', 0, headEnd);
      const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
      const chunked = /transfer-encoding: *chunked/i.test(head);
      let bodyEnd = headEnd + 4 + length;
      if (chunked) {
        const last = pending.indexOf('0\r\n\r\n', headEnd + 4);
        if (last < 0) return;
        bodyEnd = last + 5;
      }
      if (pending.length < bodyEnd) return;
      const body = pending.subarray(headEnd + 4, bodyEnd);
      pending = pending.subarray(bodyEnd);
      if (head.startsWith('GET /truth')) {
        const text = JSON.stringify(Object.fromEntries(truths));
        socket.write(
          `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text}`,
        );
        continue;
      }
      const truth = truthOf(head);
      truth.requests += 1;
      truth.promptTokens += USAGE.prompt_tokens;
      const at = body.indexOf('"bench-');
      const plan = at < 0 ? null : /^"bench-(\d+)-(\d+)"/.exec(body.toString('latin1', at, at + 40));
      if (plan === null) {
        truth.completionTokens += USAGE.completion_tokens;
        socket.write(COMPLETION);
        continue;
      }
      busy = true;
      stream(socket, Number(plan[1]), Number(plan[2]), truth, () => {
        busy = false;
        next();
      });
    }
  };
  socket.on('data', (data) => {
    pending = pending.length === 0 ? data : Buffer.concat([pending, data]);
    next();
  });
  socket.on('error', () => socket.destroy());
});

server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') process.send?.({ port: address.port });
});
process.on('disconnect', () => process.exit(0));
