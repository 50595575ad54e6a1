// The management calls about generations. A generation of another workspace is as unknown as one that never was.
import { Controller, Inject } from '@nestjs/common';
import type { z } from 'zod';
import { LoggingGenerationGet, LoggingGenerationList, WaystationError, type Principal } from '@waystation/contracts';
import type { Database } from '@waystation/postgres';
import { Handles } from '@waystation/runtime';
import { LOGGING_READER } from '../tokens.js';
import { listGenerations, readGeneration } from './read-generations.js';

type GetRequest = z.infer<typeof LoggingGenerationGet.request>;
type ListRequest = z.infer<typeof LoggingGenerationList.request>;

export const mayRead = (principal: Principal, workspaceId: string): boolean =>
  principal.kind === 'service' || principal.workspaceId === workspaceId;

@Controller()
export class GenerationsHandler {
  constructor(@Inject(LOGGING_READER) private readonly reader: Database) {}

  @Handles(LoggingGenerationGet)
  async get({ principal, workspaceId, generationId }: GetRequest): Promise<z.infer<typeof LoggingGenerationGet.reply>> {
    const generation = mayRead(principal, workspaceId)
      ? await readGeneration(this.reader, workspaceId, generationId)
      : undefined;
    if (generation === undefined) throw new WaystationError('not_found', `Generation ${generationId} not found.`);
    return { generation };
  }

  @Handles(LoggingGenerationList)
  async list({
    principal,
    workspaceId,
    limit,
    before,
  }: ListRequest): Promise<z.infer<typeof LoggingGenerationList.reply>> {
    if (!mayRead(principal, workspaceId)) throw new WaystationError('not_found', `Workspace ${workspaceId} not found.`);
    return { generations: await listGenerations(this.reader, workspaceId, limit, before) };
  }
}
