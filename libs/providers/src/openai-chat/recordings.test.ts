// Real recordings, where they lie beside the repository: what a client gets must be what the provider said.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { inputTokens, outputTokens } from '@waystation/generation';
import { CONFORMANCE_TERMS, contentOf, readPieces } from '../conformance/conformance.js';
import { readPublicBody, readPublicStream } from '../conformance/read-public.js';
import { openaiChat } from './openai-chat.js';

const folder = path.resolve('../shared/data/recorded');

const NAMES = [
  'openai/openai-text',
  'groq/groq-text',
  'groq/groq-tool-call',
  'groq/groq-reasoning',
  'mistral/mistral-text',
  'mistral/mistral-tool-call',
  'deepseek/deepseek-text',
  'deepseek/deepseek-tool-call',
  'deepseek/deepseek-reasoning',
  'xai/xai-text',
  'alibaba/alibaba-text',
];

const isChat = (line: unknown, object: string): boolean =>
  line !== null && typeof line === 'object' && 'object' in line && line.object === object;

const areThere = existsSync(folder);
// eslint-disable-next-line no-console -- whoever reads the run must see that something was not tried
if (!areThere) console.log(`skipped: recordings of providers are not at ${folder}`);

const recordings = (): void => {
  const streams = NAMES.map((name) => [name, path.join(folder, `${name}.chunks.txt`)] as const).filter(([, file]) =>
    existsSync(file),
  );
  const bodies = NAMES.map((name) => [name, path.join(folder, `${name}.json`)] as const).filter(
    ([, file]) => existsSync(file) && isChat(JSON.parse(readFileSync(file, 'utf8')), 'chat.completion'),
  );

  it('are there', () => {
    expect(streams.length).toBeGreaterThan(5);
    expect(bodies.length).toBeGreaterThan(3);
  });

  it.each(streams)('%s: the stream says what the provider said, cut anywhere', (_, file) => {
    const events = readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.trim() !== '');
    const said = readPublicStream(Buffer.from(events.map((line) => `data: ${line}\n\n`).join('')));
    const bytes = Buffer.from([...events, '[DONE]'].map((line) => `data: ${line}\n\n`).join(''));
    const { output, reader } = readPieces(openaiChat, CONFORMANCE_TERMS, bytes, bytes.length);
    const got = readPublicStream(output);
    expect(reader.failure).toBeUndefined();
    expect(contentOf(got)).toEqual(contentOf(said));
    expect(got.usages).toEqual([]);
    expect(got.finishWords).toHaveLength(1);
    expect(new Set(got.heads.map((head) => JSON.stringify(head))).size).toBe(1);
    expect(readPieces(openaiChat, CONFORMANCE_TERMS, bytes, 13).output.equals(output)).toBe(true);

    const told = said.usages.at(-1) as { prompt_tokens: number; total_tokens: number };
    const report = reader.report();
    expect(report.usageSource).toBe('provider');
    expect(inputTokens(report.usage)).toBe(told.prompt_tokens);
    expect(inputTokens(report.usage) + outputTokens(report.usage)).toBe(told.total_tokens);
  });

  it.each(bodies)('%s: the body says what the provider said', (_, file) => {
    const bytes = readFileSync(file);
    const said = readPublicBody(bytes);
    const { output, reader } = readPieces(openaiChat, { ...CONFORMANCE_TERMS, stream: false }, bytes, 1_000);
    const got = readPublicBody(output);
    expect(reader.failure).toBeUndefined();
    expect(contentOf(got)).toEqual(contentOf(said));
    expect(got.usages).toEqual(said.usages);
    const told = said.usages[0] as { prompt_tokens: number; total_tokens: number };
    expect(inputTokens(reader.report().usage) + outputTokens(reader.report().usage)).toBe(told.total_tokens);
  });
};

if (areThere) describe('recordings', recordings);
else it('has no recordings to try here', () => expect(areThere).toBe(false));
