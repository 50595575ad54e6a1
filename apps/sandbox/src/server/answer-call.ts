// One call, from its body to its last byte and its line of truth.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { BadCall, type AnswerHead, type Dialect, type ReadCall } from '../dialects/dialect.js';
import type { Route } from '../dialects/registry.js';
import { findModel } from '../models/models.js';
import { planReply, type Reply } from '../reply/plan-reply.js';
import type { PromptCache } from '../reply/prompt-cache.js';
import { scriptOf, type Script, type ScriptOverrides } from '../script/script.js';
import type { Billed, TruthCall, TruthLog } from '../truth/truth-log.js';
import { breakConnection } from './break-connection.js';
import { playStream } from './play-stream.js';
import { sleep } from './sleep.js';

export interface Sandbox {
  readonly truth: TruthLog;
  readonly cache: PromptCache;
  readonly newId: (prefix: string) => string;
}

/** What a provider bills that stopped after `tokens`: the prompt and all up to there; nothing if there was nothing. */
const billedUpTo = (reply: Reply, tokens: number): Billed | undefined =>
  tokens === 0
    ? undefined
    : {
        promptTokens: reply.promptTokens,
        cachedTokens: reply.cachedTokens,
        completionTokens: Math.min(tokens, reply.completionTokens),
        reasoningTokens: Math.min(tokens, reply.reasoningTokens),
      };

const billedWhole = (reply: Reply): Billed => {
  const { promptTokens, cachedTokens, completionTokens, reasoningTokens, searchUnits, seconds } = reply;
  return {
    promptTokens,
    cachedTokens,
    completionTokens,
    reasoningTokens,
    ...(searchUnits === undefined ? {} : { searchUnits }),
    ...(seconds === undefined ? {} : { seconds }),
  };
};

const sendJson = (
  response: ServerResponse,
  status: number,
  id: string,
  json: string,
  headers: readonly string[] = [],
): void => {
  response.writeHead(status, [
    'content-type',
    'application/json',
    'content-length',
    String(Buffer.byteLength(json)),
    'x-request-id',
    id,
    ...headers,
  ]);
  response.end(json);
};

const headerOf = (request: IncomingMessage, name: string): string | undefined => {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
};

const parseJson = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString());
  } catch {
    throw new BadCall(400, 'We could not parse the JSON body of your request.');
  }
};

const NOTHING_GENERATED: ScriptOverrides = { outputTokens: 0, reasoningTokens: 0 };

const correlationOf = (request: IncomingMessage): string | undefined =>
  headerOf(request, 'x-request-id') ?? headerOf(request, 'x-correlation-id');

export const answerCall = async (
  sandbox: Sandbox,
  { dialect, facts }: Route,
  query: URLSearchParams,
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
): Promise<void> => {
  const id = sandbox.newId(dialect.idPrefix);
  let read: ReadCall;
  let script: Script;
  let reply: Reply;
  try {
    const parsed = await (dialect.readForm?.(body, headerOf(request, 'content-type') ?? '') ?? parseJson(body));
    read = dialect.readCall({ ...facts, body: parsed, query, header: (name) => headerOf(request, name) });
    const { call } = read;
    const model = findModel(call.model);
    if (model === undefined) throw new BadCall(404, `The model \`${call.model}\` does not exist.`, 'model_not_found');
    script = scriptOf(model.script, call.overrides, dialect.generates ? {} : NOTHING_GENERATED);
    reply = planReply(call, script, sandbox.cache);
    if (reply.promptTokens > model.context) {
      throw new BadCall(
        400,
        `This model's maximum context length is ${model.context} tokens. However, your messages resulted in ${reply.promptTokens} tokens.`,
        'context_length_exceeded',
      );
    }
  } catch (thrown) {
    if (!(thrown instanceof BadCall)) throw thrown;
    const json = dialect.error(thrown.status, thrown.message, thrown.code);
    sendJson(response, thrown.status, id, json, dialect.headers?.(id, thrown.status));
    return;
  }
  const { call } = read;

  const correlation = correlationOf(request);
  const at = Date.now();
  const startedAt = performance.now();
  const entry = sandbox.truth.begin({
    id,
    ...(correlation === undefined ? {} : { request: correlation }),
    ...(script.label === undefined ? {} : { label: script.label }),
    at,
    dialect: dialect.name,
    model: call.model,
    stream: call.stream,
    bodyBytes: body.length,
    billsAfterCancel: script.billsAfterCancel,
  });
  response.on('close', () => {
    if (entry.outcome !== 'running') return;
    if (!call.stream) entry.producedTokens = tokensAfter(performance.now() - startedAt, reply, script);
    entry.abortedAtToken = entry.producedTokens;
    sandbox.truth.end(
      entry,
      'aborted',
      script.billsAfterCancel ? billedWhole(reply) : billedUpTo(reply, entry.producedTokens),
    );
  });

  if (script.headerDelayMs > 0) {
    await sleep(response, script.headerDelayMs);
    if (response.closed) return;
  }
  if (script.fail !== undefined && script.fail !== 'no-finish' && script.afterTokens === undefined) {
    failBeforeAnswer(sandbox, dialect, response, entry, script);
    return;
  }
  const head = { id, model: call.model, createdS: Math.floor(at / 1000) };
  if (!call.stream) {
    await answerWhole(sandbox, dialect, read, response, head, entry, reply, script);
    return;
  }
  entry.status = 200;
  response.writeHead(200, [
    'content-type',
    dialect.binaryStreamType ?? 'text/event-stream; charset=utf-8',
    'cache-control',
    'no-cache',
    'x-request-id',
    id,
    ...(dialect.headers?.(id, 200) ?? []),
  ]);
  if (script.delayMs > 0) response.flushHeaders();
  const encoder = read.stream(head, reply, script);
  const binary = dialect.binaryStreamType !== undefined;
  const end = await playStream(response, encoder, binary, reply, script, (tokens) => {
    entry.producedTokens = tokens;
  });
  if (end === 'completed') sandbox.truth.end(entry, 'completed', billedWhole(reply));
  else if (end !== 'gone') sandbox.truth.end(entry, 'failed', billedUpTo(reply, entry.producedTokens));
};

/** Tokens that a call which is not streamed has produced by now, at its script's pace. */
const tokensAfter = (elapsedMs: number, reply: Reply, script: Script): number => {
  const generatingMs = elapsedMs - script.headerDelayMs - script.delayMs;
  if (generatingMs < 0) return 0;
  return script.tokenDelayMs === 0
    ? reply.completionTokens
    : Math.min(reply.completionTokens, Math.floor(generatingMs / script.tokenDelayMs));
};

const failBeforeAnswer = (
  sandbox: Sandbox,
  dialect: Dialect,
  response: ServerResponse,
  entry: TruthCall,
  script: Script,
): void => {
  sandbox.truth.end(entry, 'failed');
  if (typeof script.fail === 'number') {
    entry.status = script.fail;
    const own = dialect.headers?.(entry.id, script.fail) ?? [];
    const headers = script.retryAfterS === undefined ? own : [...own, 'retry-after', String(script.retryAfterS)];
    const json = dialect.error(script.fail, 'The sandbox was told to fail.', undefined, script.retryAfterS);
    sendJson(response, script.fail, entry.id, json, headers);
  } else if (script.fail === 'die' || script.fail === 'reset') breakConnection(response, script);
  // `hang` and `stall`: nothing, until the client leaves.
};

const answerWhole = async (
  sandbox: Sandbox,
  dialect: Dialect,
  read: ReadCall,
  response: ServerResponse,
  head: AnswerHead,
  entry: TruthCall,
  reply: Reply,
  script: Script,
): Promise<void> => {
  const durationMs = script.delayMs + script.tokenDelayMs * reply.completionTokens;
  if (durationMs > 0) {
    await sleep(response, durationMs);
    if (response.closed) return;
  }
  entry.status = 200;
  if (script.fail === undefined || script.fail === 'no-finish') {
    entry.producedTokens = reply.completionTokens;
    sandbox.truth.end(entry, 'completed', billedWhole(reply));
    sendJson(response, 200, entry.id, read.completion(head, reply, script), dialect.headers?.(entry.id, 200));
    return;
  }
  entry.producedTokens = Math.min(reply.completionTokens, script.afterTokens ?? 0);
  sandbox.truth.end(entry, 'failed', billedUpTo(reply, entry.producedTokens));
  if (typeof script.fail === 'number') {
    sendJson(response, 200, entry.id, dialect.error(script.fail, 'The sandbox was told to fail.'));
    return;
  }
  const json = read.completion(head, reply, script);
  response.writeHead(200, [
    'content-type',
    'application/json',
    'content-length',
    String(Buffer.byteLength(json)),
    'x-request-id',
    entry.id,
  ]);
  response.write(json.slice(0, Math.floor(json.length / 2)));
  if (script.fail === 'die' || script.fail === 'reset') breakConnection(response, script);
};
