// /task-rules: by which `waystation/auto` chooses models for the workspace of the key. Ours; the reference has no such thing.
import { Controller, Delete, Get, Inject, Put, Req, Res } from '@nestjs/common';
import { ControlTaskRulesGet, ControlTaskRulesPut, type TaskRule } from '@waystation/contracts';
import { DEFAULT_RULES } from '@waystation/tasks';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { INGRESS, type Ingress } from '../ingress.js';
import { readTaskRules } from '../management/read-task-rules.js';
import { callerOf } from './caller-of.js';
import { sendJson } from './send-json.js';

@Controller(['api/v1/task-rules', 'v1/task-rules'])
export class TaskRulesController {
  constructor(@Inject(INGRESS) private readonly ingress: Ingress) {}

  @Get()
  async read(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { rules } = await this.ingress.context.bus.request(ControlTaskRulesGet, aboutOf(request));
    sendJson(reply, 200, { data: shown(rules) });
  }

  @Put()
  async put(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.#set(request, reply, readTaskRules(request.body));
  }

  /** Those of the station again. */
  @Delete()
  async remove(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.#set(request, reply, null);
  }

  async #set(request: FastifyRequest, reply: FastifyReply, rules: TaskRule[] | null): Promise<void> {
    const set = await this.ingress.context.bus.request(ControlTaskRulesPut, { ...aboutOf(request), rules });
    sendJson(reply, 200, { data: shown(set.rules) });
  }
}

const shown = (rules: readonly TaskRule[] | null) => ({ rules: rules ?? DEFAULT_RULES, is_default: rules === null });

const aboutOf = (request: Pick<FastifyRequest, 'caller'>) => {
  const { principal, workspace } = callerOf(request);
  return { v: 1 as const, principal, workspaceId: workspace.id };
};
