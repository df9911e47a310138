"""`winnow ingest --follow` under a supervisor: images flow from a folder as long as it runs."""
import supervised

EVERY_SECONDS = 1  # a person waits for what they have dropped into the folder


class Follower(supervised.Supervised):
    def __init__(self, directory):
        super().__init__(directory / "run", "ingest")
        self.place = directory

    def command(self, winnow, spec, folder, brokers):
        return [str(word) for word in (
            winnow, "ingest", spec, "--input", folder, "--brokers", brokers, "--state",
            self.place / "ingest", "--raw-blobs", self.place / "blobs/raw")]

    def run(self, command):
        self.start([*command, "--follow", "--every", str(EVERY_SECONDS)])
