import { z } from 'zod';
import { secretPath } from './paths.ts';

/** What is in its headers crosses no network unencrypted. */
const isPrivate = (endpoint: string): boolean =>
  /^https:|^http:\/\/(localhost|127(\.\d{1,3}){3}|\[::1\])(?=[:/]|$)/.test(endpoint);

/** Times of single answers for OpenTelemetry. Off where it is left out. */
export const Tracing = z
  .strictObject({
    /** Of a collector, Jaeger or Tempo: OTLP over HTTP. */
    endpoint: z
      .string()
      .regex(/^https?:\/\/[^@\s?#]+$/, 'http://host:port/v1/traces or https://…, without user or password'),
    /** Of all envelopes. The same in gateways and backend: with different ones, only the traces of the smaller one are whole. */
    share: z.number().min(0).max(1).default(0.01),
    /** Lines `name: value`: headers of each request, such as authorization. Only with https, or on this machine. */
    headersFile: secretPath().optional(),
  })
  .refine(({ endpoint, headersFile }) => headersFile === undefined || isPrivate(endpoint), {
    path: ['endpoint'],
    message: 'https://…, as there are headers to send',
  });
