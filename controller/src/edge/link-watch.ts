/** Two live links of one server are two machines: an agent keeps one. An old link may linger for a
 * while after its machine lost power or its line broke; but such a link answers no ping. So the
 * older of two must answer twice after the newer came (the first answer may have been on its way),
 * and the newer once. No I/O: told of what happens, tells of clones. */

export interface LinkWatch {
  opened: (serverId: string, link: string) => void;
  answered: (link: string) => void;
  closed: (link: string) => void;
}

interface Link {
  serverId: string;
  answers: number;
  /** Older links, and how often each had answered when this one came. */
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
