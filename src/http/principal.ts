import { TLSSocket } from 'node:tls';
import type { FastifyRequest } from 'fastify';

/** Kafka's name for one who did not say who it is. */
export const anonymousPrincipal = 'User:ANONYMOUS';

/** Who asks: the subject of a client certificate that was verified, or nobody in particular. */
export function principalOf(request: FastifyRequest): string {
  const { socket } = request.raw;
  if (!(socket instanceof TLSSocket) || !socket.authorized) return anonymousPrincipal;
  const subject: unknown = socket.getPeerCertificate().subject?.CN;
  return typeof subject === 'string' && subject !== '' ? `User:CN=${subject}` : anonymousPrincipal;
}
