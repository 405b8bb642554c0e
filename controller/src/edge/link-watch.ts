/** Detects clones by their links. An agent keeps one link, so two live links of one server are two
 * machines. An old link may remain open after its machine lost power or its connection, but it
 * answers no ping. So the older link must answer twice after the newer one opened (the first answer
 * may already have been on its way), and the newer one once. No I/O. */

export interface LinkWatch {
  opened: (serverId: string, link: string) => void;
  answered: (link: string) => void;
  closed: (link: string) => void;
}

interface Link {
  serverId: string;
  answers: number;
  /** Links that were open before this one, each with its count of answers at that time. */
  older: Map<string, number>;
}

const olderMustAnswer = 2;

export function createLinkWatch(onClone: (serverId: string) => void): LinkWatch {
  const links = new Map<string, Link>();
  const byServer = new Map<string, Set<string>>();
  const twoAlive = (newer: Link): boolean =>
    newer.answers > 0 &&
    [...newer.older].some(
      ([id, before]) => (links.get(id)?.answers ?? 0) - before >= olderMustAnswer,
    );
  return {
    opened: (serverId, link) => {
      const others = byServer.get(serverId) ?? new Set<string>();
      links.set(link, {
        serverId,
        answers: 0,
        older: new Map([...others].map((id) => [id, links.get(id)?.answers ?? 0])),
      });
      byServer.set(serverId, others.add(link));
    },
    answered: (link) => {
      const known = links.get(link);
      if (known === undefined) return;
      known.answers += 1;
      const all = byServer.get(known.serverId);
      if (all === undefined || all.size < 2) return;
      if (
        [...all].some((id) => {
          const other = links.get(id);
          return other !== undefined && twoAlive(other);
        })
      )
        onClone(known.serverId);
    },
    closed: (link) => {
      const serverId = links.get(link)?.serverId;
      links.delete(link);
      if (serverId === undefined) return;
      const all = byServer.get(serverId);
      all?.delete(link);
      if (all?.size === 0) byServer.delete(serverId);
    },
  };
}
