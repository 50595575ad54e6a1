// POST /chat/completions.
import { Controller, Inject, Post, Req, Res } from '@nestjs/common';
import { openAiChat } from '@waystation/dialects';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { INGRESS, type Ingress } from '../ingress.js';
import { beginGeneration } from './begin-generation.js';

@Controller(['api/v1', 'v1'])
export class ChatCompletionsController {
  constructor(@Inject(INGRESS) private readonly ingress: Ingress) {}

  @Post('chat/completions')
  complete(@Req() http: FastifyRequest, @Res() reply: FastifyReply): void {
    beginGeneration(this.ingress, openAiChat, http, reply);
  }
}
