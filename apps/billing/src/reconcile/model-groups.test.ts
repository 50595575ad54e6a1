// What is one thing on a provider's bill.
import { groupModels } from './model-groups.js';

const pairs = (...list: readonly (readonly [upstream: string, model: string])[]) =>
  groupModels(list.map(([upstreamModel, model]) => ({ upstreamModel, model })));

test('a name is found with a date behind it, and with nothing else', () => {
  const groups = pairs(['gpt-4o', 'openai/gpt-4o'], ['gpt-4o-mini', 'openai/gpt-4o-mini']);
  const names = ['gpt-4o', 'gpt-4o-2024-08-06', 'gpt-4o-mini-20240718', 'gpt-4o-latest', 'gpt-4o-audio', 'gpt', ''];
  expect(names.map((name) => groups.ofUpstream(name))).toEqual([
    ...['openai/gpt-4o', 'openai/gpt-4o', 'openai/gpt-4o-mini', 'openai/gpt-4o', undefined, undefined, undefined],
  ]);
});

test('models that share a name, and names that share a model, are one group by its first model', () => {
  const groups = pairs(['one', 'b/x'], ['one', 'a/x'], ['uno', 'b/x'], ['two', 'c/x']);
  expect(['a/x', 'b/x', 'c/x', 'd/x'].map((model) => groups.ofModel(model))).toEqual(['a/x', 'a/x', 'c/x', undefined]);
  expect(['one', 'uno', 'two'].map((name) => groups.ofUpstream(name))).toEqual(['a/x', 'a/x', 'c/x']);
});

test('a group that grows keeps its members, whatever it goes by', () => {
  const before = pairs(['one', 'b/x']).ofModel('b/x') ?? '';
  const after = pairs(['one', 'b/x'], ['one', 'a/x']);
  expect(after.ofModel(before)).toBe(after.ofUpstream('one'));
});
