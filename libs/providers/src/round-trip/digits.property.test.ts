// A number in the arguments of a tool says the same on the other side, however many digits it has: from each client to each lab, and back.
import fc from 'fast-check';
import { fitCall } from '../fit-call.js';
import { TranslatingReader } from '../events/translate-response.js';
import type { ResponseReader, ResponseTerms } from '../spec.js';
import { chatClient } from './clients/chat.js';
import { messagesClient } from './clients/messages.js';
import { responsesClient } from './clients/responses.js';
import { askedOf, exchange } from './exchange.js';
import { anthropicLab, vertexLab } from './labs/anthropic-messages.js';
import { bedrockLab } from './labs/bedrock-converse.js';
import { cohereLab } from './labs/cohere.js';
import { geminiLab } from './labs/gemini.js';
import { azureLab, chatLab } from './labs/openai-chat.js';
import { responsesLab } from './labs/openai-responses.js';
import type { Reply } from './script.js';
import type { ClientKind, Lab } from './sides.js';

const CLIENTS = [chatClient, messagesClient, responsesClient];
const LABS = [chatLab, azureLab, responsesLab, anthropicLab, vertexLab, geminiLab, bedrockLab, cohereLab];
const RUNS = 40;

/** Stands for the number where JSON has to be made by a client or a lab. */
const PLACE = '@@';
const REPLY: Reply = {
  ...{ key: 'digits', sealed: false, text: 'so' },
  calls: [{ name: 'look', argumentsJson: `{"n":"${PLACE}"}` }],
};
/** In arguments that are values, and in those that are text. */
const put = (json: string, number: string): string => {
  const written = json.replace(new RegExp(`\\\\?"${PLACE}\\\\?"`, 'g'), number);
  expect(written).not.toBe(json);
  return written;
};

const digits = (most: number) => fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: most });
const numberText = fc
  .tuple(
    fc.constantFrom('', '-'),
    digits(40).map((text) => text.replace(/^0+(?=.)/, '')),
    fc.option(
      digits(30).map((text) => `.${text}`),
      { nil: '' },
    ),
    fc.option(
      fc.tuple(fc.constantFrom('e', 'E', 'e+', 'e-', 'E-'), fc.nat(400)).map((parts) => parts.join('')),
      { nil: '' },
    ),
  )
  .map((parts) => parts.join(''));

/** Whether two texts say the same number. */
const same = (one: string, other: string): boolean => {
  const [a, b] = [one, other].map((text) => {
    const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
    const [whole = '', fraction = ''] = mantissa.split('.');
    return { units: BigInt(`${whole}${fraction}`), tens: Number(exponent) - fraction.length };
  });
  if (a === undefined || b === undefined) return false;
  const least = Math.min(a.tens, b.tens);
  return a.units * 10n ** BigInt(a.tens - least) === b.units * 10n ** BigInt(b.tens - least);
};
const says = (wire: string, number: string): boolean =>
  [...wire.matchAll(/-?\d+(\.\d+)?([eE][+-]?\d{1,3})?/g)].some(([text]) => same(text, number));

/** What the lab is asked by a client that has heard the reply and sends its arguments back. */
const askedBy = (kind: ClientKind, lab: Lab): ((number: string) => string) => {
  const client = kind.begin();
  client.system('be brief');
  client.user('look', 'iVBORw0KGgo=');
  client.hear(exchange(kind, lab, client.request(false), REPLY, false).wire, false);
  client.results([{ text: 'seen' }]);
  const asks = JSON.stringify(client.request(false));
  const { passthrough, translation } = lab.dialect;
  const common = { upstreamModel: 'm', quirks: lab.quirks };
  return (number) => {
    const body = Buffer.from(put(asks, number));
    if (askedOf(kind, lab).passes && passthrough !== undefined)
      return passthrough.buildRequest({ ...common, body, stream: false, dropParameters: [] }).body.toString();
    const { call } = fitCall(kind.dialect.readCall(body).call, { dropParameters: [] });
    return translation?.buildRequest({ ...common, call }).body.toString() ?? '';
  };
};

/** What the client hears of a body that the lab answers with. */
const heardBy = (kind: ClientKind, lab: Lab): ((number: string) => string) => {
  const answer = lab.answer(REPLY, false).toString();
  const { passthrough, translation } = lab.dialect;
  const terms: ResponseTerms = {
    ...{ stream: false, generationId: 'gen-1', model: 'lab/m', providerName: 'Lab', choices: 1, quirks: lab.quirks },
    ...{ inputTokensEstimate: () => 1, tokensMax: { input: 100, output: 100 } },
  };
  return (number) => {
    const writes: Buffer[] = [];
    const sink = (write: Buffer): void => void writes.push(Buffer.from(write));
    let reader: ResponseReader | undefined;
    if (askedOf(kind, lab).passes) reader = passthrough?.readResponse(terms, sink);
    else if (translation !== undefined)
      reader = new TranslatingReader(translation, terms, kind.dialect.writeAnswer(terms), sink);
    reader?.push(Buffer.from(put(answer, number)));
    reader?.end();
    expect(reader?.failure).toBeUndefined();
    return Buffer.concat(writes).toString();
  };
};

describe.each(CLIENTS.map((kind) => [kind.name, kind] as const))('a client of %s', (_, kind) => {
  it.each(LABS.map((lab) => [lab.name, lab] as const))('and %s say each other every number', (__, lab) => {
    const [ask, hear] = [askedBy(kind, lab), heardBy(kind, lab)];
    fc.assert(
      fc.property(numberText, (number) => {
        expect({ number, told: says(ask(number), number) }).toEqual({ number, told: true });
        expect({ number, heard: says(hear(number), number) }).toEqual({ number, heard: true });
      }),
      { numRuns: RUNS, examples: [['9007199254740993'], ['1e400'], ['-0.1234567890123456789'], ['1.0']] },
    );
  });
});
