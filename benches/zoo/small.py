"""Small networks of our own, for what the packages have none of: recurrent layers, super-resolution, control flow."""

import torch
from registry import floats, register, tokens
from torch import nn


def rnn(kind, bi=False):
    def make():
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.rnn = getattr(torch.nn, kind)(40, 64, 2, batch_first=True, bidirectional=bi)
                self.fc = nn.Linear(64 * (1 + bi), 20)

            def forward(self, x):
                return self.fc(self.rnn(x)[0])

        return Net()

    return make


def crnn():

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.cnn = nn.Sequential(
                nn.Conv2d(3, 32, 3, padding=1),
                nn.BatchNorm2d(32),
                nn.ReLU(),
                nn.MaxPool2d(2),
                nn.Conv2d(32, 64, 3, padding=1),
                nn.BatchNorm2d(64),
                nn.ReLU(),
                nn.MaxPool2d(2),
                nn.Conv2d(64, 128, 3, padding=1),
                nn.ReLU(),
                nn.AdaptiveAvgPool2d((1, 24)),
            )
            self.rnn = nn.LSTM(128, 64, 1, batch_first=True, bidirectional=True)
            self.fc = nn.Linear(128, 97)

        def forward(self, x):
            y = self.cnn(x).squeeze(2).permute(0, 2, 1)
            return self.fc(self.rnn(y)[0]).log_softmax(2)

    return Net()


def esrgan():

    class RDB(nn.Module):
        def __init__(self, c=32, g=16):
            super().__init__()
            self.cs = nn.ModuleList([nn.Conv2d(c + i * g, g if i < 4 else c, 3, padding=1) for i in range(5)])

        def forward(self, x):
            xs = [x]
            for i, c in enumerate(self.cs):
                y = c(torch.cat(xs, 1))
                if i < 4:
                    xs.append(nn.functional.leaky_relu(y, 0.2))
            return x + 0.2 * y

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Conv2d(3, 32, 3, padding=1)
            self.body = nn.Sequential(*[RDB() for _ in range(3)])
            self.up1 = nn.Conv2d(32, 32, 3, padding=1)
            self.up2 = nn.Sequential(nn.Conv2d(32, 128, 3, padding=1), nn.PixelShuffle(2), nn.PReLU(32))
            self.tail = nn.Conv2d(32, 3, 3, padding=1)

        def forward(self, x):
            y = self.head(x)
            y = y + self.body(y)
            y = nn.functional.leaky_relu(self.up1(nn.functional.interpolate(y, scale_factor=2, mode="nearest")), 0.2)
            return self.tail(self.up2(y))

    return Net()


def srcubic():

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.b = nn.Sequential(
                nn.Conv2d(3, 32, 5, padding=2), nn.ReLU(), nn.Conv2d(32, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 27, 3, padding=1), nn.PixelShuffle(3)
            )

        def forward(self, x):
            return self.b(x) + nn.functional.interpolate(x, scale_factor=3, mode="bicubic", align_corners=False)

    return Net()


def dcgan():
    return nn.Sequential(
        nn.ConvTranspose2d(64, 128, 4, 1, 0, bias=False),
        nn.BatchNorm2d(128),
        nn.ReLU(),
        nn.ConvTranspose2d(128, 64, 4, 2, 1, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 4, 2, 1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.ConvTranspose2d(32, 3, 4, 2, 1),
        nn.Tanh(),
    )


def stylegen():
    """Image-to-image, as fast neural style: reflection padding, InstanceNorm, nearest upsampling."""

    def c(i, o, k, s=1):
        return [nn.ReflectionPad2d(k // 2), nn.Conv2d(i, o, k, s), nn.InstanceNorm2d(o, affine=True), nn.ReLU()]

    return nn.Sequential(
        *c(3, 16, 9),
        *c(16, 32, 3, 2),
        *c(32, 64, 3, 2),
        nn.Upsample(scale_factor=2),
        *c(64, 32, 3),
        nn.Upsample(scale_factor=2),
        *c(32, 16, 3),
        nn.ReflectionPad2d(4),
        nn.Conv2d(16, 3, 9),
    )


def masked():

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb = nn.Embedding(500, 64)
            self.att = nn.TransformerEncoderLayer(64, 4, 128, batch_first=True, norm_first=True)
            self.fc = nn.Linear(64, 10)

        def forward(self, ids):
            pad = ids == 0
            causal = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool, device=ids.device).triu(1)
            y = self.att(self.emb(ids), src_mask=causal, src_key_padding_mask=pad)
            keep = (~pad).unsqueeze(-1)
            y = y.masked_fill(~keep, 0.0)
            n = keep.sum(1).clamp(min=1).to(y.dtype)
            return self.fc(y.sum(1) / n), y.argmax(-1), torch.where(pad, torch.cumsum(ids, 1), ids).float().mean(1)

    return Net()


def masktokens():
    d = tokens(types=False, mask=False, vocabulary=500)()
    d["input_ids"][:, 40:] = 0
    return d


class Branches(nn.Module):
    """A convolution, and two more for whoever decides between them."""

    def __init__(self, padding=0):
        super().__init__()
        self.c = nn.Conv2d(3, 8, 3, padding=padding)
        self.a = nn.Conv2d(8, 8, 3, padding=padding)
        self.b = nn.Conv2d(8, 8, 3, padding=padding)


def iff():
    class Net(Branches):
        def forward(self, x):
            y = self.c(x).relu()
            if bool(y.mean() > 0.2):
                y = self.a(y)
            else:
                y = self.b(y).sigmoid()
            return y.mean((2, 3))

    return torch.jit.script(Net().eval())


def loop():
    class Net(Branches):
        def forward(self, x):
            y = self.c(x).relu()
            n = int(x.shape[2]) // 16
            for _ in range(n):
                y = self.a(y).relu()
            return y.mean((2, 3))

    return torch.jit.script(Net(padding=1).eval())


def cond_dynamo():
    class Net(Branches):
        def forward(self, x):
            y = self.c(x).relu()
            y = torch.cond(y.mean() > 0.2, lambda v: self.a(v), lambda v: self.b(v).sigmoid(), (y,))
            return y.mean((2, 3))

    return Net()


for kind in ["LSTM", "GRU"]:
    register(kind.lower(), rnn(kind), arrays=floats(x=(50, 40)))
register("bilstm", rnn("LSTM", True), arrays=floats(x=(50, 40)))
register("rnn_tanh", rnn("RNN"), arrays=floats(x=(50, 40)))
register("crnn_ocr", crnn, size=96)
register("esrgan", esrgan, size=96, preset="ultralytics")
register("sr_cubic", srcubic, size=96, preset="ultralytics")
register("dcgan", dcgan, arrays=floats(z=(64, 1, 1)))
register("style_instnorm", stylegen, size=128)
register("masked_int_bool", masked, arrays=masktokens)
register("if_script", iff, size=96)
register("loop_script", loop, size=96)
register("cond", cond_dynamo, size=96)
