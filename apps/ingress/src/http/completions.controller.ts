// POST /completions: the legacy way to ask for text.
import { Controller, Inject, Post, Req, Res } from '@nestjs/common';
import { openAiCompletions } from '@waystation/dialects';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { INGRESS, type Ingress } from '../ingress.js';
import { beginGeneration } from './begin-generation.js';

@Controller(['api/v1', 'v1'])
export class CompletionsController {
  constructor(@Inject(INGRESS) private readonly ingress: Ingress) {}

  @Post('completions')
  create(@Req() http: FastifyRequest, @Res() reply: FastifyReply): void {
    beginGeneration(this.ingress, openAiCompletions, http, reply);
  }
}
