"""Tools of other programs: a client of the Model Context Protocol, for Home Assistant and for any other server."""
