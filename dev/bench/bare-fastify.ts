/** The peer of `bench rules`: one Fastify route that answers the bytes it was sent, and nothing else. */
import Fastify from 'fastify';

process.once('message', (body) => {
  const app = Fastify();
  app.get('/', (_request, reply) => reply.header('content-type', 'application/json; charset=utf-8').send(String(body)));
  void app.listen({ host: '127.0.0.1', port: 0 }).then((address) => process.send?.(address));
});
process.on('disconnect', () => process.exit(0));
