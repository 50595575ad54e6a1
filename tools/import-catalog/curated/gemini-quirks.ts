// How Google's models think: by level since Gemini 3, by a budget before. https://ai.google.dev/gemini-api/docs/thinking
// The first pattern that fits counts; a model that fits none is asked as the dialect usually does.
type Quirks = Readonly<Record<string, string | number | boolean>>;

/** Tools of these may answer with media, too. https://ai.google.dev/gemini-api/docs/function-calling#multimodal */
const BY_LEVEL: Quirks = { thinking: 'level', mediaInResults: true };

const RULES: readonly (readonly [RegExp, Quirks])[] = [
  [/^google\/gemini-3(\.\d+)?-pro/, { ...BY_LEVEL, thinkingLevels: 'low,high' }],
  [/^google\/gemini-3/, BY_LEVEL],
  [/^google\/gemini-2\.5-.*(image|tts)/, { thinking: 'none' }],
  [/^google\/gemini-2\.5-pro/, { thinkingBudgetMin: 128, thinkingBudgetMax: 32_768 }],
  [/^google\/gemini-2\.5-flash-lite/, { thinkingBudgetMin: 512, thinkingOff: true }],
];

export const geminiQuirks = (model: string): Quirks | undefined => RULES.find(([pattern]) => pattern.test(model))?.[1];
