// /presets as the reference has them: settings by name, in versions, made of the body of a request that is not run. Ours: changing one, and the one that is designated.
// https://openrouter.ai/docs/guides/features/presets
import { Controller, Get, Inject, Patch, Post, Req, Res } from '@nestjs/common';
import {
  ControlPresetGet,
  ControlPresetList,
  ControlPresetPut,
  ControlPresetUpdate,
  ControlPresetVersions,
} from '@waystation/contracts';
import { anthropicMessages, openAiChat, openAiResponses } from '@waystation/dialects';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { INGRESS, type Ingress } from '../ingress.js';
import { presetInfo, versionInfo, wholePresetInfo } from '../management/preset-info.js';
import { readPage } from '../management/read-page.js';
import {
  newSlugOf,
  readPresetChanges,
  readPresetSettings,
  slugOf,
  versionNumberOf,
} from '../management/read-preset.js';
import { callerOf } from './caller-of.js';
import { sendJson } from './send-json.js';

type Listed = FastifyRequest<{ Querystring: Record<string, unknown> }>;
type One = FastifyRequest<{ Params: { slug: string }; Querystring: Record<string, unknown> }>;
type OneVersion = FastifyRequest<{ Params: { slug: string; version: string } }>;
type Dialect = Parameters<typeof readPresetSettings>[0];

const CHAT = { ...openAiChat, name: 'openai-chat' } as const;
const MESSAGES = { ...anthropicMessages, name: 'anthropic-messages' } as const;
const RESPONSES = { ...openAiResponses, name: 'openai-responses' } as const;

@Controller(['api/v1/presets', 'v1/presets'])
export class PresetsController {
  constructor(@Inject(INGRESS) private readonly ingress: Ingress) {}

  @Get()
  async list(@Req() request: Listed, @Res() reply: FastifyReply): Promise<void> {
    const about = { ...aboutOf(request), ...readPage(request.query) };
    const { presets, total } = await this.#bus.request(ControlPresetList, about);
    sendJson(reply, 200, { data: presets.map(presetInfo), total_count: total });
  }

  @Get(':slug')
  async read(@Req() request: One, @Res() reply: FastifyReply): Promise<void> {
    const slug = slugOf(request.params.slug);
    const { preset } = await this.#bus.request(ControlPresetGet, { ...aboutOf(request), slug });
    sendJson(reply, 200, { data: wholePresetInfo(preset) });
  }

  @Patch(':slug')
  async update(@Req() request: One, @Res() reply: FastifyReply): Promise<void> {
    const slug = slugOf(request.params.slug);
    const changes = readPresetChanges(request.body);
    const { preset } = await this.#bus.request(ControlPresetUpdate, { ...aboutOf(request), slug, changes });
    sendJson(reply, 200, { data: wholePresetInfo(preset) });
  }

  @Get(':slug/versions')
  async versions(@Req() request: One, @Res() reply: FastifyReply): Promise<void> {
    const about = { ...aboutOf(request), slug: slugOf(request.params.slug), ...readPage(request.query) };
    const { versions, total } = await this.#bus.request(ControlPresetVersions, about);
    sendJson(reply, 200, { data: versions.map(versionInfo), total_count: total });
  }

  @Get(':slug/versions/:version')
  async version(@Req() request: OneVersion, @Res() reply: FastifyReply): Promise<void> {
    const { params } = request;
    const about = { ...aboutOf(request), slug: slugOf(params.slug), number: versionNumberOf(params.version) };
    const { versions } = await this.#bus.request(ControlPresetVersions, { ...about, offset: 0, limit: 1 });
    sendJson(reply, 200, { data: versions.map(versionInfo)[0] });
  }

  @Post(':slug/chat/completions')
  async putChat(@Req() request: One, @Res() reply: FastifyReply): Promise<void> {
    await this.#put(CHAT, request, reply);
  }

  @Post(':slug/messages')
  async putMessages(@Req() request: One, @Res() reply: FastifyReply): Promise<void> {
    await this.#put(MESSAGES, request, reply);
  }

  @Post(':slug/responses')
  async putResponses(@Req() request: One, @Res() reply: FastifyReply): Promise<void> {
    await this.#put(RESPONSES, request, reply);
  }

  async #put(dialect: Dialect, request: One, reply: FastifyReply): Promise<void> {
    const slug = newSlugOf(request.params.slug);
    const said = readPresetSettings(dialect, request.body);
    const { preset } = await this.#bus.request(ControlPresetPut, { ...aboutOf(request), slug, ...said });
    sendJson(reply, 200, { data: wholePresetInfo(preset) });
  }

  get #bus() {
    return this.ingress.context.bus;
  }
}

const aboutOf = (request: Pick<FastifyRequest, 'caller'>) => {
  const { principal, workspace } = callerOf(request);
  return { v: 1 as const, principal, workspaceId: workspace.id };
};
