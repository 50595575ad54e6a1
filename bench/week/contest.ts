// Everybody through the same week, and everybody through the same agents' trace.
import { agentsOf, possibleShare, type Agents } from './agents.ts';
import type { Turn } from './asks.ts';
import { alwaysCheapest, roundRobin } from './contestant.ts';
import type { Incident } from './incidents.ts';
import type { Parts } from './parts.ts';
import { cachedShareOf, type AgentsResult, type Result } from './report.ts';
import { simulate, type Entrant, type Run } from './simulate.ts';
import type { Timeline } from './timeline.ts';
import { createTold } from './told.ts';
import { createWaystation } from './waystation.ts';

const PICODOLLARS_PER_MICRODOLLAR = 1_000_000n;

type Enter = (timeline: Timeline) => Entrant;

const OTHERS: readonly Enter[] = [
  () => roundRobin(true),
  () => roundRobin(false),
  () => alwaysCheapest(true),
  () => alwaysCheapest(false),
];

const through = (run: Run, enter: Enter): Result => {
  const told = createTold(run.beginsMs, run.endsMs, run.incidents);
  const { name } = simulate(run, enter, told);
  return { name, told };
};

/** The product first. @param onResult each as it is there */
export const contest = (
  runOf: () => Run,
  onResult: (result: Result) => void = () => undefined,
  others: readonly Enter[] = OTHERS,
): Result[] =>
  [(timeline: Timeline) => createWaystation(runOf().parts, runOf().seed, timeline), ...others].map((enter) => {
    const result = through(runOf(), enter);
    onResult(result);
    return result;
  });

export const contestOfAgents = (
  parts: Parts,
  agents: Agents,
  incidents: readonly Incident[],
  title: string,
): AgentsResult => {
  const conversations: readonly (readonly Turn[])[] = agentsOf(agents);
  const endsMs = Math.max(...conversations.flat().map(({ atMs }) => atMs)) + 1;
  const { seed, beginsMs } = agents;
  const run: Run = { parts, seed, beginsMs, endsMs, conversations, incidents, restartsMs: [] };
  const enters: readonly Enter[] = [
    (timeline) => createWaystation(parts, seed, timeline),
    (timeline) => createWaystation(parts, seed, timeline, false),
    () => roundRobin(true),
  ];
  return {
    ...{ title, possible: possibleShare(parts, conversations) },
    shares: enters.map((enter) => {
      const { name, told } = through(run, enter);
      const { all } = told;
      return {
        ...{ name, share: cachedShareOf(all) },
        costUsd: Number(all.costPicodollars / PICODOLLARS_PER_MICRODOLLAR) / 1_000_000,
      };
    }),
  };
};
