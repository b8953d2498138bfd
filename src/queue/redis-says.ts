// What a Redis says that refuses, in words that tell a person what to do. Its own code goes before: that is what people search for.

const remedies: Readonly<Record<string, string>> = {
  OOM: 'Redis is full: give it more memory (maxmemory), or take out what others keep in it',
  MISCONF: 'Redis cannot save its data: free its disk, or see its log for what is in the way',
  READONLY: 'this Redis is a replica: queue.url must lead to the master',
  LOADING: 'Redis still reads its data from its disk: it takes jobs once it has',
  NOAUTH: 'Redis wants a password: put it into queue.passwordFile, and start limpid anew',
  WRONGPASS: 'Redis has another password: put it into queue.passwordFile, and start limpid anew',
  NOREPLICAS: 'too few replicas follow this Redis (min-replicas-to-write): start them again',
};
/** What ioredis says of a connection that is being made, or whose Redis has not read all its data yet. */
const notReady = "Stream isn't writeable";

/** The error, with what to do about it where Redis is known to say so. */
export function inRedisWords(error: Error): Error {
  const { message } = error;
  if (message.startsWith(notReady))
    return new Error('Redis is not reached, or still reads its data from its disk', { cause: error });
  const code = /^[A-Z]+(?= )/.exec(message)?.[0] ?? '';
  const remedy = remedies[code];
  return remedy === undefined ? error : new Error(`${code}: ${remedy}`, { cause: error });
}
