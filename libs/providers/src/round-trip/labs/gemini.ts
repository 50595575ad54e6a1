// A lab that speaks Gemini and refuses a conversation without its thought signatures. https://ai.google.dev/gemini-api/docs/thought-signatures
import { gemini } from '../../gemini/gemini.js';
import { sealOf, type Reply, type Step } from '../script.js';
import { dataEvents, halves, type Asked, type Json, type Lab } from '../sides.js';

const idOf = ({ key }: Reply, at: number): string => `fn_${key}_${at}`;

const thoughtOf = ({ thought }: Reply): Json[] => (thought === undefined ? [] : [{ text: thought, thought: true }]);

/** The first call of a turn is signed; without a call, the words are. */
const partsOf = (reply: Reply): Json[] => {
  const { key, sealed, text, calls } = reply;
  const thoughtSignature = sealOf('gemini', key, 'thought');
  const signsText = sealed && calls.length === 0;
  return [
    ...thoughtOf(reply),
    ...(text === undefined ? [] : [{ text, ...(signsText ? { thoughtSignature } : {}) }]),
    ...calls.map(({ name, argumentsJson }, at) => ({
      functionCall: { id: idOf(reply, at), name, args: JSON.parse(argumentsJson) as unknown },
      ...(sealed && at === 0 ? { thoughtSignature } : {}),
    })),
  ];
};

const imageOf = (data: string): Json => ({ inlineData: { mimeType: 'image/png', data } });

const expectedOf = (step: Step, { traits }: Asked): Json[] => {
  switch (step.role) {
    case 'system':
      return [];
    case 'user':
      return [{ role: 'user', parts: [{ text: step.text }, imageOf(step.image)] }];
    case 'assistant':
      return [{ role: 'model', parts: partsOf(step.reply) }];
    case 'tool':
      return [
        {
          role: 'user',
          parts: step.results.map(({ text, image, failed }, at) => ({
            functionResponse: {
              id: idOf(step.of, at),
              name: step.of.calls[at]?.name,
              response: { [failed === true && traits.toolErrors ? 'error' : 'output']: text },
              ...(image === undefined ? {} : { parts: [imageOf(image)] }),
            },
          })),
        },
      ];
  }
};

const responseOf = ({ key }: Reply, parts: readonly Json[], finishReason?: string): Json => ({
  candidates: [
    { index: 0, content: { role: 'model', parts }, ...(finishReason === undefined ? {} : { finishReason }) },
  ],
  usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 3, totalTokenCount: 12 },
  modelVersion: 'm',
  responseId: `r-${key}`,
});

/** Words come in pieces, what they are signed with in a part of its own behind them. */
const piecesOf = (part: Json): Json[] => {
  const { text, thoughtSignature, ...rest } = part;
  if (typeof text !== 'string') return [part];
  const words = halves(text).map((piece) => ({ ...rest, text: piece }));
  return thoughtSignature === undefined ? words : [...words, { text: '', thoughtSignature }];
};

export const geminiLab: Lab = {
  name: 'gemini',
  dialect: gemini,
  quirks: { thinking: 'level', sendsCallIds: true, mediaInResults: true },
  expected: (steps, asked) => ({
    system: steps.flatMap((step) => (step.role === 'system' ? [{ text: step.text }] : [])),
    contents: steps.flatMap((step) => expectedOf(step, asked)),
  }),
  messagesOf: ({ systemInstruction, contents }) => ({
    system: (systemInstruction as { parts: unknown } | undefined)?.parts,
    contents,
  }),
  answer: (reply, stream) => {
    const parts = partsOf(reply);
    if (!stream) return Buffer.from(JSON.stringify(responseOf(reply, parts, 'STOP')));
    const events = parts.flatMap(piecesOf).map((part) => responseOf(reply, [part]));
    return Buffer.from(dataEvents([...events, responseOf(reply, [{ text: '' }], 'STOP')]));
  },
};
