// What belongs to the station itself: this reference, the status page, and events that other services send.
import { z } from 'zod';
import { json, type Operations } from '../operation.js';

export const STATION: Operations = {
  'GET /openapi.json': {
    id: 'getReferenceDocument',
    tag: 'Station',
    summary: 'This document',
    answer: json({ type: 'object', description: 'An OpenAPI 3.1 document' }),
  },
  'GET /docs': {
    id: 'getReferencePage',
    tag: 'Station',
    summary: 'This document as a page',
    answer: { status: 200, content: { 'text/html': undefined } },
  },
  'POST /webhooks/stripe': {
    id: 'takeStripeEvent',
    tag: 'Station',
    summary: 'Takes an event of the payment service',
    description: 'Its signature (`Stripe-Signature`) is over the raw bytes and is what admits it.',
    body: { type: 'object', description: "An event, as Stripe's documents describe it" },
    answer: json(z.object({ received: z.literal(true), outcome: z.string() })),
  },
  'GET /console': {
    id: 'getConsolePage',
    tag: 'Station',
    summary: 'The status page',
    answer: { status: 200, content: { 'text/html': undefined } },
  },
  'GET /console/:file': {
    id: 'getConsoleFile',
    tag: 'Station',
    summary: 'A file of the status page',
    answer: { status: 200, content: { 'text/css': undefined, 'text/javascript': undefined } },
  },
  'GET /console/data/status': {
    id: 'getConsoleData',
    tag: 'Station',
    summary: 'What the status page shows',
    description: 'Made for the page of the same release; it changes with it.',
    answer: json({ type: 'object' }),
  },
};
