// /workspaces/{id}/members: who keys of a workspace may belong to. List and removal have the shapes of the reference, where members come from an organization that
// others manage; here the workspace makes them itself, and is the organization.
// https://openrouter.ai/docs/api-reference/workspaces
import { Controller, Delete, Get, Inject, Patch, Post, Req, Res } from '@nestjs/common';
import {
  ControlMemberCreate,
  ControlMemberGet,
  ControlMemberList,
  ControlMemberRemove,
  ControlMemberUpdate,
  WaystationError,
} from '@waystation/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../auth/caller.js';
import { INGRESS, type Ingress } from '../ingress.js';
import { memberInfo, organizationMemberInfo } from '../management/member-info.js';
import { readMemberChange, readMemberIds, readNewMember } from '../management/read-member.js';
import { readPage } from '../management/read-page.js';
import { callerOf } from './caller-of.js';
import { ownWorkspace } from './own-workspace.js';
import { sendJson } from './send-json.js';

type Query = Record<string, unknown>;
type OneWorkspace = FastifyRequest<{ Params: { id: string }; Querystring: Query }>;
type OneMember = FastifyRequest<{ Params: { id: string; member: string } }>;

const MEMBER_ID = /^[!-~]{1,64}$/;

@Controller(['api/v1', 'v1'])
export class MembersController {
  constructor(@Inject(INGRESS) private readonly ingress: Ingress) {}

  @Get('organization/members')
  async listOrganization(
    @Req() request: FastifyRequest<{ Querystring: Query }>,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { members, total } = await this.#list(callerOf(request), request.query);
    sendJson(reply, 200, { data: members.map(organizationMemberInfo), total_count: total });
  }

  @Get('workspaces/:id/members')
  async list(@Req() request: OneWorkspace, @Res() reply: FastifyReply): Promise<void> {
    const { members, total } = await this.#list(callerIn(request), request.query);
    sendJson(reply, 200, { data: members.map(memberInfo), total_count: total });
  }

  @Post('workspaces/:id/members')
  async create(@Req() request: OneWorkspace, @Res() reply: FastifyReply): Promise<void> {
    const about = aboutOf(callerIn(request));
    const { member } = await this.#bus.request(ControlMemberCreate, { ...about, ...readNewMember(request.body) });
    sendJson(reply, 201, { data: memberInfo(member) });
  }

  @Post('workspaces/:id/members/remove')
  async remove(@Req() request: OneWorkspace, @Res() reply: FastifyReply): Promise<void> {
    const about = aboutOf(callerIn(request));
    const memberIds = readMemberIds(request.body, 'user_ids');
    const { removed, disabledKeys } = await this.#bus.request(ControlMemberRemove, { ...about, memberIds });
    sendJson(reply, 200, { removed_count: removed, disabled_key_count: disabledKeys });
  }

  @Get('workspaces/:id/members/:member')
  async read(@Req() request: OneMember, @Res() reply: FastifyReply): Promise<void> {
    const about = aboutOf(callerIn(request));
    const { member } = await this.#bus.request(ControlMemberGet, { ...about, memberId: memberIdOf(request) });
    sendJson(reply, 200, { data: memberInfo(member) });
  }

  @Patch('workspaces/:id/members/:member')
  async update(@Req() request: OneMember, @Res() reply: FastifyReply): Promise<void> {
    const about = { ...aboutOf(callerIn(request)), memberId: memberIdOf(request) };
    const { member } = await this.#bus.request(ControlMemberUpdate, { ...about, ...readMemberChange(request.body) });
    sendJson(reply, 200, { data: memberInfo(member) });
  }

  @Delete('workspaces/:id/members/:member')
  async removeOne(@Req() request: OneMember, @Res() reply: FastifyReply): Promise<void> {
    const about = aboutOf(callerIn(request));
    await this.#bus.request(ControlMemberRemove, { ...about, memberIds: [memberIdOf(request)] });
    sendJson(reply, 200, { deleted: true });
  }

  #list(caller: Caller, query: Query) {
    return this.#bus.request(ControlMemberList, { ...aboutOf(caller), ...readPage(query) });
  }

  get #bus() {
    return this.ingress.context.bus;
  }
}

const callerIn = (request: Pick<OneMember, 'caller'> & { readonly params: { readonly id: string } }): Caller => {
  const caller = callerOf(request);
  ownWorkspace(caller, request.params.id);
  return caller;
};

const aboutOf = ({ principal, workspace }: Caller) => ({ v: 1 as const, principal, workspaceId: workspace.id });

const memberIdOf = ({ params: { member } }: OneMember): string => {
  if (!MEMBER_ID.test(member))
    throw new WaystationError('not_found', `Member ${JSON.stringify(member.slice(0, 64))} not found`);
  return member;
};
