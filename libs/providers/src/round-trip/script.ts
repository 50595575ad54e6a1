// The conversation that crosses every pair of dialects: what a user, a model and tools say in twenty turns, in nobody's dialect.
export const TURNS = 20;

export interface ScriptCall {
  readonly name: string;
  /** As the model writes it: the space is not what a serialiser would put. */
  readonly argumentsJson: string;
}

/** What a model answers. `key` makes ids and seals of the answer its own. */
export interface Reply {
  readonly key: string;
  readonly thought?: string;
  /** The provider wants something of its own back with this answer. */
  readonly sealed: boolean;
  readonly text?: string;
  readonly calls: readonly ScriptCall[];
}

export interface ToolResult {
  readonly text: string;
  readonly image?: string;
  readonly failed?: true;
}

export type Step =
  | { readonly role: 'system'; readonly text: string }
  | { readonly role: 'user'; readonly text: string; readonly image: string }
  | { readonly role: 'assistant'; readonly reply: Reply }
  | { readonly role: 'tool'; readonly of: Reply; readonly results: readonly ToolResult[] };

/** Base64 of something that begins as a PNG does. */
const png = (mark: string): string => Buffer.from(`\x89PNG\r\n\x1a\n${mark}`, 'latin1').toString('base64');

const looks = (...places: readonly string[]): ScriptCall[] =>
  places.map((at) => ({ name: 'see', argumentsJson: `{"at": "${at}", "deep": {"ünï": [1, null]}}` }));

const first = (turn: number): Reply => {
  const key = `${turn}a`;
  switch (turn % 4) {
    case 0:
      return { key, thought: `thought ${turn}`, sealed: true, text: `I look, ${turn}`, calls: looks('left', 'right') };
    case 1:
      return { key, sealed: true, text: `answer ${turn}`, calls: [] };
    case 2:
      return { key, sealed: false, text: `answer ${turn} – “plain”`, calls: [] };
    default:
      return { key, thought: `thought ${turn}`, sealed: true, calls: looks('up') };
  }
};

const resultsOf = ({ calls }: Reply, turn: number): ToolResult[] =>
  calls.map((_, at) => ({
    text: `seen ${turn}.${at}`,
    ...(turn === 4 && at === 1 ? { image: png(`of a tool ${turn}`) } : {}),
    ...(turn === 8 && at === 0 ? { failed: true as const } : {}),
  }));

const turnSteps = (turn: number): Step[] => {
  const reply = first(turn);
  const asked: Step[] = [
    { role: 'user', text: `question ${turn}`, image: png(`of the user ${turn}`) },
    { role: 'assistant', reply },
  ];
  if (reply.calls.length === 0) return asked;
  const last: Reply = { key: `${turn}b`, sealed: false, text: `so ${turn}`, calls: [] };
  return [...asked, { role: 'tool', of: reply, results: resultsOf(reply, turn) }, { role: 'assistant', reply: last }];
};

export const SCRIPT: readonly Step[] = [
  { role: 'system', text: 'be an agent' },
  ...Array.from({ length: TURNS }, (_, turn) => turnSteps(turn)).flat(),
];

/** Opaque, and told apart from every other. */
export const sealOf = (lab: string, key: string, what: string): string =>
  Buffer.from(`~~${lab}?${key}>${what}~`).toString('base64');
