// /guardrails/…/assignments: who has which guardrail. A key has at most one, and so has a member; assigning another replaces it.
// https://openrouter.ai/docs/api-reference/guardrails
import { Controller, Get, Inject, Post, Req, Res } from '@nestjs/common';
import { ControlGuardrailAssign, ControlGuardrailAssignments, type GuardrailAssignment } from '@waystation/contracts';
import type { GuardrailBudget } from '@waystation/ledger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { INGRESS, type Ingress } from '../ingress.js';
import { assignmentInfo, budgetInfo } from '../management/guardrail-info.js';
import { limitDesk } from '../management/limit-desk.js';
import { readKeyHashes } from '../management/read-guardrail.js';
import { readMemberIds } from '../management/read-member.js';
import { readPage } from '../management/read-page.js';
import { callerOf } from './caller-of.js';
import { guardrailIdOf } from './guardrails.controller.js';
import { sendJson } from './send-json.js';

type To = GuardrailAssignment['to'];
type Query = Record<string, unknown>;
type Any = FastifyRequest<{ Querystring: Query }>;
type OneGuardrail = FastifyRequest<{ Params: { id: string }; Querystring: Query }>;

@Controller(['api/v1/guardrails', 'v1/guardrails'])
export class AssignmentsController {
  constructor(@Inject(INGRESS) private readonly ingress: Ingress) {}

  @Get('assignments/keys')
  async listKeys(@Req() request: Any, @Res() reply: FastifyReply): Promise<void> {
    await this.#list(request, reply, 'key');
  }

  @Get('assignments/members')
  async listMembers(@Req() request: Any, @Res() reply: FastifyReply): Promise<void> {
    await this.#list(request, reply, 'member');
  }

  @Get(':id/assignments/keys')
  async listKeysOf(@Req() request: OneGuardrail, @Res() reply: FastifyReply): Promise<void> {
    await this.#list(request, reply, 'key', guardrailIdOf(request.params.id));
  }

  @Get(':id/assignments/members')
  async listMembersOf(@Req() request: OneGuardrail, @Res() reply: FastifyReply): Promise<void> {
    await this.#list(request, reply, 'member', guardrailIdOf(request.params.id));
  }

  @Post(':id/assignments/keys')
  async assignKeys(@Req() request: OneGuardrail, @Res() reply: FastifyReply): Promise<void> {
    sendJson(reply, 200, { assigned_count: await this.#assign(request, 'key', true) });
  }

  @Post(':id/assignments/members')
  async assignMembers(@Req() request: OneGuardrail, @Res() reply: FastifyReply): Promise<void> {
    sendJson(reply, 200, { assigned_count: await this.#assign(request, 'member', true) });
  }

  @Post(':id/assignments/keys/remove')
  async unassignKeys(@Req() request: OneGuardrail, @Res() reply: FastifyReply): Promise<void> {
    sendJson(reply, 200, { unassigned_count: await this.#assign(request, 'key', false) });
  }

  @Post(':id/assignments/members/remove')
  async unassignMembers(@Req() request: OneGuardrail, @Res() reply: FastifyReply): Promise<void> {
    sendJson(reply, 200, { unassigned_count: await this.#assign(request, 'member', false) });
  }

  async #assign(request: OneGuardrail, to: To, assigned: boolean): Promise<number> {
    const { principal, workspace } = callerOf(request);
    const guardrailId = guardrailIdOf(request.params.id);
    const subjectIds = to === 'key' ? readKeyHashes(request.body) : readMemberIds(request.body, 'member_user_ids');
    const about = { v: 1 as const, principal, workspaceId: workspace.id, guardrailId, to, subjectIds, assigned };
    return (await this.#bus.request(ControlGuardrailAssign, about)).changed;
  }

  async #list(request: Any, reply: FastifyReply, to: To, guardrailId?: string): Promise<void> {
    const caller = callerOf(request);
    const { principal, workspace } = caller;
    const { assignments, total } = await this.#bus.request(ControlGuardrailAssignments, {
      ...{ v: 1, principal, workspaceId: workspace.id, to, ...readPage(request.query) },
      ...(guardrailId === undefined ? {} : { guardrailId }),
    });
    const budgets = assignments.map((assignment) => this.#budgetOf(assignment));
    const known = budgets.filter((budget) => budget !== undefined);
    const uses = await limitDesk(this.#bus, caller, Date.now()).budgetUses(known);
    const data = assignments.map((assignment, each) => {
      const budget = budgets[each];
      const shown = budget === undefined ? null : budgetInfo(budget, uses[known.indexOf(budget)]);
      return assignmentInfo(assignment, workspace.id, shown);
    });
    sendJson(reply, 200, { data, total_count: total });
  }

  /** As calls meet it here. */
  #budgetOf({ guardrailId, to, subjectId }: GuardrailAssignment): GuardrailBudget | undefined {
    const budget = this.ingress.policies.current.policies.get(guardrailId)?.budget;
    return budget === undefined ? undefined : { guardrailId, subject: { scope: to, id: subjectId }, budget };
  }

  get #bus() {
    return this.ingress.context.bus;
  }
}
