// Which of Google's models thinks in which way. https://ai.google.dev/gemini-api/docs/thinking
import { geminiQuirks } from './gemini-quirks.ts';

it.each([
  ['google/gemini-3.1-pro-preview', { thinking: 'level', mediaInResults: true, thinkingLevels: 'low,high' }],
  ['google/gemini-3-flash-preview', { thinking: 'level', mediaInResults: true }],
  ['google/gemini-3.1-flash-lite', { thinking: 'level', mediaInResults: true }],
  ['google/gemini-2.5-pro', { thinkingBudgetMin: 128, thinkingBudgetMax: 32_768 }],
  ['google/gemini-2.5-pro-preview-tts', { thinking: 'none' }],
  ['google/gemini-2.5-flash', undefined],
  ['google/gemini-2.5-flash-lite', { thinkingBudgetMin: 512, thinkingOff: true }],
  ['google/gemini-2.5-flash-image', { thinking: 'none' }],
  ['anthropic/claude-opus-4.5', undefined],
])('%s has the quirks %j', (model, quirks) => {
  expect(geminiQuirks(model)).toEqual(quirks);
});
