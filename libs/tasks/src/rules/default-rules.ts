// What `waystation/auto` goes by where a workspace has set no rules: cheap models for simple work, strong ones for hard, and providers that keep nothing for what is
// sensitive. Tiers are bands of price, since the catalog has no figure of quality.
import type { TaskRule } from '@waystation/contracts';

export const DEFAULT_RULES: readonly TaskRule[] = [
  { name: 'sensitive', when: 'sensitive', tier: 'medium', zdr: true },
  { name: 'budget-nearly-spent', when: 'budget_left < 0.1', tier: 'low', sort: 'price' },
  { name: 'titles', when: 'task == "title" && tools == 0', tier: 'low', sort: 'latency' },
  {
    name: 'classification',
    when: 'task == "classification" && tools == 0 && difficulty != "hard"',
    tier: 'low',
    sort: 'price',
  },
  { name: 'agents', when: 'task == "agent" || tools > 0', tier: 'high' },
  { name: 'hard-code', when: 'task == "code" && difficulty == "hard"', tier: 'xhigh' },
  { name: 'code', when: 'task == "code"', tier: 'high' },
  { name: 'long-text', when: 'task == "long-text" || tokens > 32000', tier: 'medium', sort: 'throughput' },
  { name: 'hard-analysis', when: 'task == "analysis" && difficulty == "hard"', tier: 'xhigh' },
  { name: 'analysis', when: 'task == "analysis"', tier: 'high' },
  { name: 'hard', when: 'difficulty == "hard"', tier: 'high' },
  { name: 'anything-else', when: 'true', tier: 'medium' },
];
