// Jobs of one request and one body: POST /embeddings, /rerank, /images, /audio/speech.
import { Controller, Inject, Post, Req, Res } from '@nestjs/common';
import { embeddings, images, rerank, speech } from '@waystation/dialects';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { INGRESS, type Ingress } from '../ingress.js';
import { beginGeneration } from './begin-generation.js';

@Controller(['api/v1', 'v1'])
export class JobsController {
  constructor(@Inject(INGRESS) private readonly ingress: Ingress) {}

  @Post('embeddings')
  embed(@Req() http: FastifyRequest, @Res() reply: FastifyReply): void {
    beginGeneration(this.ingress, embeddings, http, reply);
  }

  @Post('rerank')
  rank(@Req() http: FastifyRequest, @Res() reply: FastifyReply): void {
    beginGeneration(this.ingress, rerank, http, reply);
  }

  /** The reference's path, and that of OpenAI's clients. */
  @Post(['images', 'images/generations'])
  draw(@Req() http: FastifyRequest, @Res() reply: FastifyReply): void {
    beginGeneration(this.ingress, images, http, reply);
  }

  @Post('audio/speech')
  speak(@Req() http: FastifyRequest, @Res() reply: FastifyReply): void {
    beginGeneration(this.ingress, speech, http, reply);
  }
}
