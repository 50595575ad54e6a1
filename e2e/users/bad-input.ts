// What clients get wrong: each answer has the status, code and message of the reference, and the next good request is served as if nothing had been.
import type { RunningSystem } from '@waystation/testing';
import { connect } from 'node:net';
import { ask, complete, say, type Answer, type AskOptions } from '../support/ask.ts';
import { deadProcesses } from '../support/audit.ts';
import { story } from '../support/story.ts';
import { truth } from '../support/truth.ts';

const COMPLETIONS = '/api/v1/chat/completions';

export const badInput = (system: () => RunningSystem): void => {
  describe('bad input', () => {
    afterEach(async () => {
      const { status, json } = await complete(system(), say('still there?'));
      expect({ status, error: json?.error, content: json?.choices?.[0]?.message?.content }).toEqual({
        status: 200,
        error: undefined,
        content: 'still there?',
      });
      expect(deadProcesses(system())).toEqual([]);
    });

    const expectError = (
      { status, json, text, headers }: Answer,
      expected: { status: number; message: RegExp },
    ): void => {
      if (json?.error === undefined) throw new Error(`no error envelope: ${status} ${text.slice(0, 200)}`);
      expect({ status, code: json.error.code, message: json.error.message }).toEqual({
        status: expected.status,
        code: expected.status,
        message: expect.stringMatching(expected.message),
      });
      expect(headers.get('content-type')).toMatch(/^application\/json/);
      expect(text).not.toMatch(/\bat [\w.]+ \(|node_modules|127\.0\.0\.1/);
    };

    const good = say('hello');
    const deep = `{"model":"sandbox/echo","messages":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    const cases: [string, unknown, AskOptions, number, RegExp][] = [
      ['no key', good, { key: null }, 401, /Missing Authentication header/],
      ['a key that is none', good, { key: 'hello' }, 401, /./],
      ['a key with a wrong letter', good, { key: `sk-way-v1-${'a'.repeat(64)}` }, 401, /./],
      ['an unknown model', say('hello', 'nobody/nothing'), {}, 400, /nobody\/nothing is not a valid model ID/],
      ['a model with subject characters', say('hello', 'a.b.*.>'), {}, 400, /is not a valid model ID/],
      ['malformed JSON', '{"model": "sandbox/echo", "messages": [', {}, 400, /JSON/],
      ['an empty body', '', {}, 400, /./],
      ['a body that is an array', [good], {}, 400, /object/],
      ['JSON a hundred thousand deep', deep, {}, 400, /./],
      ['messages of the wrong type', { ...good, messages: 'hello' }, {}, 400, /messages/],
      ['no messages', { model: 'sandbox/echo' }, {}, 400, /messages/],
      ['max_tokens of the wrong type', { ...good, max_tokens: 'many' }, {}, 400, /max_tokens/],
      ['max_tokens below one', { ...good, max_tokens: 0 }, {}, 400, /max_tokens/],
      ['temperature of the wrong type', { ...good, temperature: 'warm' }, {}, 400, /temperature/],
      ['temperature beyond its range', { ...good, temperature: 3 }, {}, 400, /temperature: .*less than or equal to 2/],
      ['five stop sequences', { ...good, stop: ['a', 'b', 'c', 'd', 'e'] }, {}, 400, /stop: .*at most 4/],
      ['stream of the wrong type', { ...good, stream: 'yes' }, {}, 400, /stream/],
      ['models of the wrong type', { ...good, models: 'sandbox/echo' }, {}, 400, /models/],
      [
        'an unknown key inside provider',
        { ...good, provider: { Require_Parameters: true } },
        {},
        400,
        /Unrecognized key.*'Require_Parameters'/,
      ],
      ['provider of the wrong type', { ...good, provider: 'sandbox' }, {}, 400, /provider/],
      [
        'a form',
        'model=sandbox/echo',
        { headers: { 'content-type': 'application/x-www-form-urlencoded' } },
        400,
        /JSON/,
      ],
      [
        'a form in parts',
        '--x\r\ncontent-disposition: form-data; name="model"\r\n\r\nsandbox/echo\r\n--x--\r\n',
        { headers: { 'content-type': 'multipart/form-data; boundary=x' } },
        400,
        /JSON/,
      ],
      ['providers that do not serve the model', { ...good, provider: { only: ['nobody'] } }, {}, 404, /./],
    ];

    describe('a bad request', () => {
      for (const [name, body, options, status, message] of cases) {
        story(`${name} → ${status}`, system, async () => {
          const before = (await truth(system())).length;
          expectError(await ask(system(), 'POST', COMPLETIONS, body, options), { status, message });
          expect(await truth(system())).toHaveLength(before);
        });
      }

      story(
        'a field whose name is an escape is read as what it is, whatever came in its place before',
        system,
        async () => {
          const named = (field: string): string => JSON.stringify({ 'x-first': 0, ...good }).replace(',', `,${field},`);
          expect((await ask(system(), 'POST', COMPLETIONS, named('"\\\\":1'))).status).toBe(200);
          expectError(await ask(system(), 'POST', COMPLETIONS, named('"\\u006e":"many"')), {
            status: 400,
            message: /^n: /,
          });
        },
      );

      story('an unknown route → 404, a wrong method → 405', system, async () => {
        expectError(await ask(system(), 'GET', '/api/v1/nothing'), { status: 404, message: /./ });
        expectError(await ask(system(), 'POST', '/api/v1/../nothing', good), { status: 404, message: /./ });
        expectError(await ask(system(), 'GET', COMPLETIONS), { status: 405, message: /./ });
        expectError(await ask(system(), 'DELETE', '/api/v1/models'), { status: 405, message: /./ });
      });

      story('a management call with an inference key → 403', system, async () => {
        expectError(await ask(system(), 'GET', '/api/v1/keys'), {
          status: 403,
          message: /Only management keys can perform this operation/,
        });
      });

      story('a generation that never was → 404, an id that is none → 400 or 404', system, async () => {
        expectError(await ask(system(), 'GET', '/api/v1/generation?id=gen-1700000000-00000000000000000000'), {
          status: 404,
          message: /./,
        });
        expect([400, 404]).toContain((await ask(system(), 'GET', '/api/v1/generation?id=1%27%20or%201=1')).status);
      });

      story('60 MB → 413 before it is all sent', system, async () => {
        const announced = await overTheWire(`content-length: ${60 * 1024 * 1024}\r\n`, 60 * 1024 * 1024, false);
        expect(announced.status).toBe(413);
        expect(announced.sentBytes).toBeLessThan(40 * 1024 * 1024);
        const chunked = await overTheWire('transfer-encoding: chunked\r\n', 60 * 1024 * 1024, true);
        expect(chunked.status).toBe(413);
        expect(chunked.sentBytes).toBeLessThan(45 * 1024 * 1024);
        for (const { text } of [announced, chunked]) expect(text).toContain('"code":413');
      });

      story('bytes that are no HTTP are answered with 400 or a closed connection', system, async () => {
        const answer = await raw('\x16\x03\x01 hello\r\n\r\n');
        expect(answer === '' || answer.startsWith('HTTP/1.1 400')).toBe(true);
      });
    });

    const raw = (bytes: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connect(Number(new URL(system().url).port), '127.0.0.1', () => socket.write(bytes));
        let text = '';
        socket.setTimeout(10_000, () => socket.destroy(new Error('no answer within 10 s')));
        socket.setEncoding('utf8').on('data', (part: string) => (text += part));
        socket.on('error', reject).on('close', () => resolve(text));
      });

    /** Sends a body slowly enough to see an answer that comes before its end. */
    const overTheWire = (
      header: string,
      bytes: number,
      chunked: boolean,
    ): Promise<{ status: number; sentBytes: number; text: string }> =>
      new Promise((resolve, reject) => {
        const part = Buffer.alloc(256 * 1024, 'x');
        let sentBytes = 0;
        let text = '';
        const socket = connect(Number(new URL(system().url).port), '127.0.0.1', () => {
          socket.write(
            `POST ${COMPLETIONS} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${system().apiKey}\r\ncontent-type: application/json\r\n${header}\r\n`,
          );
          send();
        });
        const done = (): void => {
          socket.destroy();
          resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), sentBytes, text });
        };
        const send = (): void => {
          if (sentBytes >= bytes || text !== '' || socket.destroyed) return;
          if (chunked) socket.write(`${part.length.toString(16)}\r\n`);
          sentBytes += part.length;
          socket.write(chunked ? Buffer.concat([part, Buffer.from('\r\n')]) : part, () => setTimeout(send, 2));
        };
        socket.setTimeout(20_000, () => reject(new Error('no answer within 20 s')));
        socket.setEncoding('utf8').on('data', (data: string) => {
          text += data;
          if (text.includes('}')) setTimeout(done, 20);
        });
        // A server that has said no may close while we still send.
        socket.on('error', () => setTimeout(done, 20)).on('close', done);
      });
  });
};
