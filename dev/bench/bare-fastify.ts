/** The baseline of `bench rules`: one Fastify route that returns the bytes it was sent, and nothing
 * else. */
import Fastify from 'fastify';

process.once(
  'message',
  ({ id, question: { body } }: { id: number; question: { body: string } }) => {
    const app = Fastify();
    app.get('/', (_request, reply) =>
      reply.header('content-type', 'application/json; charset=utf-8').send(body),
    );
    app.listen({ host: '127.0.0.1', port: 0 }).then(
      (reply) => process.send?.({ id, reply }),
      (error: unknown) => process.send?.({ id, error: String(error) }),
    );
  },
);
process.on('disconnect', () => process.exit(0));
