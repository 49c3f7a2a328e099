"""A door before a database server: `door.py PORT HOST HOST_PORT`. The product passes through it.

Killed, it is to the product what a restart of the server is: every connection is cut, wherever
it was at that moment, and no new one is taken. The server itself serves others meanwhile.
"""

import asyncio
import sys

CHUNK = 65_536


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def keep(port: int, host: str, host_port: int) -> None:
    async def let_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, to_there = await asyncio.open_connection(host, host_port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pass_on(reader, to_there), pass_on(there, writer))

    server = await asyncio.start_server(let_in, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(keep(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
