// Usage, a line each. https://ai.google.dev/api/generate-content#UsageMetadata,
// https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/GenerateContentResponse#UsageMetadata
import { inputTokens, outputTokens } from '@waystation/generation';
import { convertUsage } from './convert-usage.js';

const of = (modality: string, tokenCount: number) => ({ modality, tokenCount });

it.each<[string, object, object | undefined]>([
  ['prompt and answer', { promptTokenCount: 9, candidatesTokenCount: 5 }, { input: 9, output: 5 }],
  [
    'thoughts are beside the answer',
    { promptTokenCount: 9, candidatesTokenCount: 10, thoughtsTokenCount: 256, totalTokenCount: 275 },
    { input: 9, output: 10, reasoning: 256 },
  ],
  [
    'what was cached is inside of the prompt',
    { promptTokenCount: 2_000, cachedContentTokenCount: 1_500, candidatesTokenCount: 5 },
    { input: 500, cacheRead: 1_500, output: 5 },
  ],
  [
    'what tools put into the prompt is beside it',
    { promptTokenCount: 100, toolUsePromptTokenCount: 40, candidatesTokenCount: 5, totalTokenCount: 145 },
    { input: 140, output: 5 },
  ],
  [
    'sound and pictures are classes of their own, texts, videos and documents are not',
    {
      promptTokenCount: 100,
      candidatesTokenCount: 5,
      promptTokensDetails: [of('TEXT', 10), of('AUDIO', 20), of('IMAGE', 30), of('VIDEO', 25), of('DOCUMENT', 15)],
    },
    { input: 50, audioInput: 20, imageInput: 30, output: 5 },
  ],
  [
    'what of the sound was cached is cached',
    {
      promptTokenCount: 100,
      cachedContentTokenCount: 60,
      candidatesTokenCount: 5,
      promptTokensDetails: [of('TEXT', 20), of('AUDIO', 80)],
      cacheTokensDetails: [of('AUDIO', 60)],
    },
    { input: 20, cacheRead: 60, audioInput: 20, output: 5 },
  ],
  [
    'details that say more than there is make nothing negative',
    {
      promptTokenCount: 100,
      cachedContentTokenCount: 60,
      candidatesTokenCount: 5,
      promptTokensDetails: [of('AUDIO', 80)],
    },
    { input: 0, cacheRead: 60, audioInput: 40, output: 5 },
  ],
  [
    'pictures that were made',
    {
      promptTokenCount: 7,
      candidatesTokenCount: 1_300,
      candidatesTokensDetails: [of('IMAGE', 1_290)],
    },
    { input: 7, output: 10, imageOutput: 1_290 },
  ],
  ['a prompt alone', { promptTokenCount: 7, totalTokenCount: 7 }, { input: 7, output: 0 }],
  ['nothing', { trafficType: 'ON_DEMAND' }, undefined],
])('%s', (_, told, usage) => {
  expect(convertUsage(told)).toEqual(usage);
});

it('counts every token once', () => {
  const usage = convertUsage({
    promptTokenCount: 100,
    cachedContentTokenCount: 60,
    toolUsePromptTokenCount: 5,
    candidatesTokenCount: 50,
    thoughtsTokenCount: 25,
    promptTokensDetails: [of('TEXT', 20), of('AUDIO', 70), of('IMAGE', 10)],
    cacheTokensDetails: [of('AUDIO', 50), of('IMAGE', 10)],
    candidatesTokensDetails: [of('AUDIO', 20), of('IMAGE', 10)],
  });
  expect([inputTokens(usage ?? {}), outputTokens(usage ?? {})]).toEqual([105, 75]);
});
